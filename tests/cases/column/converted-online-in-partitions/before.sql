CREATE TABLE site (id integer PRIMARY KEY);
CREATE TABLE reading (at date NOT NULL, site integer REFERENCES site, value text NOT NULL, note text,
    grade integer DEFAULT 1 -- @convert using=grade
    , CONSTRAINT graded CHECK (grade > 0), PRIMARY KEY (at, site)) PARTITION BY RANGE (at);
CREATE TABLE reading_2024 PARTITION OF reading FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
CREATE TABLE reading_2025 PARTITION OF reading FOR VALUES FROM ('2025-01-01') TO ('2026-01-01') PARTITION BY LIST (site);
CREATE TABLE reading_2025_1 PARTITION OF reading_2025 FOR VALUES IN (1);
CREATE TABLE reading_2025_rest PARTITION OF reading_2025 DEFAULT;
CREATE INDEX reading_note ON reading (note);
COMMENT ON COLUMN reading.grade IS 'from 1';
COMMENT ON COLUMN reading_2024.grade IS 'from 1, in this year';
ALTER TABLE reading_2024 ALTER grade SET DEFAULT 2;
CREATE VIEW graded AS SELECT at, grade FROM reading;
