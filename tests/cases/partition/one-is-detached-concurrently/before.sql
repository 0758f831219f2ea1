CREATE TABLE site (id integer PRIMARY KEY);
CREATE TABLE reading (at date NOT NULL, site integer REFERENCES site, note text, PRIMARY KEY (at, site)) PARTITION BY RANGE (at);
CREATE TABLE reading_2024 PARTITION OF reading FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
CREATE TABLE reading_2025 PARTITION OF reading FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
CREATE INDEX reading_note ON reading (note);
