CREATE TABLE t (a bigint, b text, c date);
CREATE FUNCTION parts(r t) RETURNS TABLE (k text, n bigint, d date) LANGUAGE sql STABLE AS 'SELECT $1.b, $1.a, $1.c';
CREATE VIEW v AS SELECT t AS whole, p.k FROM t, LATERAL parts(t) AS p;
CREATE VIEW w AS SELECT (whole).b FROM v;
