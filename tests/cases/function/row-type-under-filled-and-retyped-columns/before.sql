CREATE TYPE unit AS ENUM ('kg', 'g');
CREATE TABLE shelf (id integer PRIMARY KEY, load integer, unit unit);
CREATE FUNCTION load_of(shelf) RETURNS integer LANGUAGE sql STABLE RETURN ($1).load;
CREATE FUNCTION usual(s shelf DEFAULT NULL::shelf) RETURNS integer LANGUAGE sql AS 'SELECT 1';
CREATE VIEW loads AS SELECT load_of(s) AS load FROM shelf s;
CREATE VIEW first AS SELECT NULL::shelf AS shelf;
GRANT SELECT ON loads TO reader;
