CREATE TABLE reading (
    id bigint NOT NULL,
    at date NOT NULL,
    measured numeric DEFAULT 0, -- @renamed from=value online
    PRIMARY KEY (id, at)
) PARTITION BY RANGE (at);
CREATE INDEX by_value ON reading (measured);
CREATE TABLE reading_2025 PARTITION OF reading FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
CREATE TABLE reading_2026 PARTITION OF reading FOR VALUES FROM ('2026-01-01') TO ('2027-01-01') PARTITION BY HASH (id);
CREATE TABLE reading_2026_0 PARTITION OF reading_2026 FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE reading_2026_1 PARTITION OF reading_2026 FOR VALUES WITH (MODULUS 2, REMAINDER 1);
CREATE TABLE reading_else PARTITION OF reading DEFAULT;
CREATE VIEW totals AS SELECT at, sum(measured) AS total FROM reading GROUP BY at;
