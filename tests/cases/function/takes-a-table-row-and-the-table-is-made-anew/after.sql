CREATE TYPE plain AS (a integer, b text);
CREATE FUNCTION label(plain) RETURNS text LANGUAGE sql IMMUTABLE RETURN ($1).b || ($1).a;
CREATE FUNCTION labels(plain[]) RETURNS integer LANGUAGE sql IMMUTABLE RETURN cardinality($1);
CREATE FUNCTION make() RETURNS plain LANGUAGE sql AS 'SELECT 1, ''x''';
CREATE TABLE keeps (p plain, ps plain[]);
