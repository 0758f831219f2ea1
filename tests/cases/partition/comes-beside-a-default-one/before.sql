CREATE TABLE reading (at date NOT NULL, sensor integer, value numeric) PARTITION BY RANGE (at, sensor);
CREATE TABLE reading_2024 PARTITION OF reading FOR VALUES FROM ('2024-01-01', MINVALUE) TO ('2025-01-01', MINVALUE);
CREATE TABLE reading_rest PARTITION OF reading DEFAULT;
