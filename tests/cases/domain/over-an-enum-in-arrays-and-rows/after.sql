CREATE TYPE e AS ENUM ('b', 'a', 'c');
CREATE DOMAIN d AS e CHECK (VALUE <> 'c') NOT NULL;
CREATE DOMAIN dd AS d[] CONSTRAINT short CHECK (array_length(VALUE, 1) < 4);
CREATE TYPE c AS (d d, n bigint);
CREATE TABLE t (x d DEFAULT 'a', y d[], z dd, c c, cs c[]);
CREATE VIEW v AS SELECT x, (c).d, z[1] AS first FROM t WHERE x::e = 'a';
CREATE FUNCTION f(c[]) RETURNS d LANGUAGE sql AS 'SELECT $1[1].d';
CREATE INDEX t_x ON t (x);
COMMENT ON CONSTRAINT short ON DOMAIN dd IS 'not long';
