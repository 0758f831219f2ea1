CREATE DOMAIN d AS numeric DEFAULT 2.5;
CREATE TABLE u (i date, "order" d, k boolean GENERATED ALWAYS AS ((i IS NULL)) STORED, key integer NOT NULL) PARTITION BY LIST (key);
CREATE TABLE g PARTITION OF u DEFAULT;
CREATE FUNCTION alpha(what u) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT (what.i)::text || '1' $$;
CREATE VIEW kappa AS SELECT (r0."order")::text AS b, alpha(r0.*) AS k FROM u AS r0;
CREATE MATERIALIZED VIEW zeta AS SELECT r0.k AS g FROM g AS r0 WHERE r0."order" IS NOT NULL;
