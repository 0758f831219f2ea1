CREATE TYPE c AS (x integer, y text);
CREATE TYPE e AS ENUM ('red', 'blue', 'old');
CREATE TABLE t (p integer, q text, e e DEFAULT 'red', c c, CONSTRAINT k CHECK (p > 0), CONSTRAINT l CHECK (q <> ''));
CREATE VIEW v AS SELECT p, q, (c).x FROM t WHERE e = 'blue';
