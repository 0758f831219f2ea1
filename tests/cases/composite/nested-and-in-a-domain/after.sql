CREATE TYPE point2 AS (x bigint, y bigint, z bigint);
CREATE TYPE segment AS (label varchar(20), a point2, b point2);
CREATE DOMAIN flat AS segment CHECK (((VALUE).a).z = ((VALUE).b).z);
CREATE FUNCTION len(l segment) RETURNS bigint LANGUAGE sql IMMUTABLE RETURN ((l).b).x - ((l).a).x;
CREATE VIEW v AS SELECT len(ROW('l', ROW(1, 2, 3), ROW(3, 4, 5))::segment) AS l;
