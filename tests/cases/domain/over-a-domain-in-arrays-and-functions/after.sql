CREATE FUNCTION fine(t text, n integer DEFAULT 12) RETURNS boolean LANGUAGE sql IMMUTABLE RETURN length(t) < n;
CREATE DOMAIN base AS text CHECK (fine(VALUE)) DEFAULT 'q';
CREATE DOMAIN upper_one AS base CONSTRAINT up CHECK (upper(VALUE) = VALUE AND VALUE <> '') NOT NULL;
CREATE TABLE t (a upper_one, b base[] DEFAULT '{x,y}', c upper_one[]);
CREATE FUNCTION f(base) RETURNS upper_one LANGUAGE sql AS 'SELECT upper($1)::upper_one';
CREATE VIEW v AS SELECT f(b[1]) AS f, a FROM t;
CREATE INDEX t_a ON t (lower(a));
