CREATE FUNCTION beta(what anyelement) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT what::text || '6' $$;
CREATE TABLE t (a text, b boolean);
CREATE VIEW n19 AS SELECT beta(r0.a) AS a, (r0.b)::text AS d FROM t r0 WHERE r0.b IS NOT NULL;
