CREATE TABLE log (id bigint, at date NOT NULL) PARTITION BY RANGE (at);
CREATE TABLE log_2025 (id bigint, at date NOT NULL);
