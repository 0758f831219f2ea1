CREATE FUNCTION first() RETURNS bigint LANGUAGE sql IMMUTABLE AS 'SELECT 2::bigint';
CREATE DOMAIN amount AS bigint DEFAULT first() CHECK (VALUE > 0);
CREATE TABLE t (id integer, a amount);
CREATE VIEW v AS SELECT a FROM t;
