CREATE FUNCTION kind(x numeric) RETURNS text LANGUAGE sql IMMUTABLE RETURN 'numeric';
CREATE FUNCTION kind(x integer) RETURNS text LANGUAGE sql IMMUTABLE RETURN 'integer';
CREATE TABLE t (a integer, CONSTRAINT k CHECK (kind(a) <> ''));
CREATE VIEW v AS SELECT kind(a) AS k FROM t;
