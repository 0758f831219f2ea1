CREATE DOMAIN positive AS integer CHECK (VALUE > 0);
CREATE TYPE unit AS ENUM ('kg', 'g');
CREATE TABLE shelf (id integer PRIMARY KEY, load numeric(12, 2), unit unit, tier text DEFAULT 'low', height positive);
CREATE FUNCTION load_of(shelf) RETURNS integer LANGUAGE sql STABLE RETURN ($1).load;
CREATE VIEW loads AS SELECT load_of(s) AS load FROM shelf s;
GRANT SELECT ON loads TO reader;
