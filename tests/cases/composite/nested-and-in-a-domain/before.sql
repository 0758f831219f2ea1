CREATE TYPE point2 AS (x integer, y integer);
CREATE TYPE segment AS (a point2, b point2, label text);
CREATE DOMAIN flat AS segment CHECK (((VALUE).a).y = ((VALUE).b).y);
CREATE FUNCTION len(l segment) RETURNS integer LANGUAGE sql IMMUTABLE RETURN ((l).b).x - ((l).a).x;
CREATE VIEW v AS SELECT len(ROW(ROW(1, 2), ROW(3, 4), 'l')::segment) AS l;
