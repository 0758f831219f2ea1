CREATE TYPE address AS (street character varying(80), zip text, city text COLLATE "C");
CREATE FUNCTION show(address) RETURNS text LANGUAGE sql IMMUTABLE RETURN ($1).street;
COMMENT ON COLUMN address.city IS 'or village';
