CREATE FUNCTION a(x integer, y integer) RETURNS integer LANGUAGE sql RETURN x + y;
CREATE TABLE t (n integer DEFAULT a(3, 1));
GRANT EXECUTE ON FUNCTION a TO reader;
