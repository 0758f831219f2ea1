CREATE TYPE e AS ENUM ('a', 'b');
CREATE TABLE t (v e DEFAULT 'b', CONSTRAINT k CHECK (v IN ('a', 'b')));
CREATE INDEX t_v ON t (v) WHERE v = 'b';
