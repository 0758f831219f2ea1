CREATE FUNCTION a(x integer, y integer DEFAULT 1) RETURNS integer LANGUAGE sql RETURN x + y;
CREATE FUNCTION b(VARIADIC xs integer[]) RETURNS integer LANGUAGE sql AS 'SELECT $1[1]';
CREATE FUNCTION c(IN x integer, OUT y integer, OUT z text) LANGUAGE sql AS 'SELECT $1, ''x''';
CREATE FUNCTION d(x anyelement) RETURNS anyarray LANGUAGE sql AS 'SELECT ARRAY[$1]';
CREATE FUNCTION e(INOUT x integer) LANGUAGE sql AS 'SELECT $1';
CREATE VIEW va AS SELECT a(1) AS a, b(1, 2, 3) AS b, e(4) AS e;
CREATE VIEW vc AS SELECT y, z FROM c(1);
