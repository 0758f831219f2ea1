CREATE TYPE address AS (street text, zip integer, country text);
CREATE FUNCTION show(address) RETURNS text LANGUAGE sql IMMUTABLE RETURN ($1).street;
