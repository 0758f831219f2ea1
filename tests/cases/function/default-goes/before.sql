CREATE FUNCTION a(x integer, y integer DEFAULT 1) RETURNS integer LANGUAGE sql RETURN x + y;
CREATE TABLE t (n integer DEFAULT a(3));
GRANT EXECUTE ON FUNCTION a TO reader;
