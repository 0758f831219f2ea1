CREATE SCHEMA app;
CREATE TYPE app.zeta AS (x integer[], y text[]);
CREATE TABLE app.mu (k text, e text, f app.zeta);
CREATE FUNCTION app.delta(what app.mu) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT (what.k)::text || '5' $$;
CREATE VIEW app.n2 AS SELECT r0.e AS "Camel", (r0.k)::text AS a, app.delta(r0.*) AS e FROM app.mu AS r0;
