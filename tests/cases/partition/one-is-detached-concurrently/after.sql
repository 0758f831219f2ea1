CREATE TABLE site (id integer PRIMARY KEY);
CREATE TABLE reading (at date NOT NULL, site integer REFERENCES site, note text, PRIMARY KEY (at, site)) PARTITION BY RANGE (at);
CREATE TABLE reading_2024 (at date NOT NULL, site integer NOT NULL REFERENCES site, note text, PRIMARY KEY (at, site));
CREATE INDEX reading_2024_note_idx ON reading_2024 (note);
CREATE TABLE reading_2025 PARTITION OF reading FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
CREATE INDEX reading_note ON reading (note);
