CREATE TYPE tag AS (k text, v text, weight integer);
CREATE TABLE t (id integer PRIMARY KEY, tags tag[], one tag);
CREATE VIEW w AS SELECT id, (one).k FROM t;
CREATE FUNCTION ks(tag[]) RETURNS integer LANGUAGE sql IMMUTABLE RETURN cardinality($1);
COMMENT ON COLUMN tag.weight IS 'how heavy';
