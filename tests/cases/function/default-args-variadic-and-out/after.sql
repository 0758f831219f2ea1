CREATE FUNCTION a(x integer, y integer DEFAULT 2, z text DEFAULT 'it''s, (a) "q"') RETURNS integer LANGUAGE sql RETURN x + y;
CREATE FUNCTION b(first text, VARIADIC xs integer[] DEFAULT '{}') RETURNS integer LANGUAGE sql AS 'SELECT $2[1]';
CREATE FUNCTION c(IN x integer, OUT y integer, OUT z text, OUT w date) LANGUAGE sql AS 'SELECT $1, ''x'', current_date';
CREATE FUNCTION d(x anycompatible, y anycompatible) RETURNS anycompatiblearray LANGUAGE sql AS 'SELECT ARRAY[$1, $2]';
CREATE FUNCTION e(INOUT x integer, INOUT y text) LANGUAGE sql AS 'SELECT $1, $2';
CREATE VIEW va AS SELECT a(1) AS a, b('x', 2, 3) AS b, d(1, 2.5) AS e;
CREATE VIEW vc AS SELECT y, z, w FROM c(1);
