CREATE TABLE t (a integer, b text);
CREATE FUNCTION parts(r t) RETURNS TABLE (k text, n integer) LANGUAGE sql STABLE AS 'SELECT $1.b, $1.a';
CREATE VIEW v AS SELECT t AS whole, p.k FROM t, LATERAL parts(t) AS p;
CREATE VIEW w AS SELECT (whole).b FROM v;
