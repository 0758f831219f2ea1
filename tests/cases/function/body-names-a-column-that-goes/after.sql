SET check_function_bodies = off;
CREATE SCHEMA app;
CREATE TABLE app.part (id integer PRIMARY KEY, colour text);
CREATE FUNCTION app.heavy(minimum integer) RETURNS SETOF integer LANGUAGE sql AS 'SELECT id FROM part WHERE weight >= minimum';
CREATE FUNCTION app.colours() RETURNS bigint LANGUAGE sql AS 'SELECT count(DISTINCT colour) FROM app.part';
CREATE FUNCTION app.all_of_it() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM app.part';
