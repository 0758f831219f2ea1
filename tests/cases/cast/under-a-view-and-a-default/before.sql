CREATE TYPE money2 AS (cents bigint);
CREATE FUNCTION m(integer) RETURNS money2 LANGUAGE sql IMMUTABLE RETURN ROW($1)::money2;
CREATE CAST (integer AS money2) WITH FUNCTION m(integer) AS ASSIGNMENT;
CREATE TABLE t (a money2 DEFAULT 5::money2);
CREATE VIEW v AS SELECT 3::money2 AS x;
COMMENT ON CAST (integer AS money2) IS 'in cents';
