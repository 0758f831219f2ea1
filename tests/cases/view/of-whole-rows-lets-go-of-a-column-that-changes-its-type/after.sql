CREATE SCHEMA app;
CREATE TYPE app.zeta AS (x integer[], y text[]);
CREATE TABLE app.mu (a text, e text, k app.zeta);
CREATE FUNCTION app.delta(what app.mu) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT (what.a)::text || '5' $$;
CREATE VIEW app.n2 AS SELECT r0.e AS "Camel", (r0.a)::text AS a, app.delta(r0.*) AS e FROM app.mu AS r0;
