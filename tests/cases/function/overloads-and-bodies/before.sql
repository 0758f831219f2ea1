CREATE FUNCTION area(a integer) RETURNS integer LANGUAGE sql AS 'SELECT a * a';
CREATE FUNCTION area(a integer, b integer) RETURNS integer LANGUAGE sql AS 'SELECT a * b';
CREATE FUNCTION twice(t text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN RETURN t || t; END $$;
