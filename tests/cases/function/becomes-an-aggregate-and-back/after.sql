CREATE FUNCTION addup(integer, integer) RETURNS integer LANGUAGE sql IMMUTABLE RETURN $1 + $2;
CREATE AGGREGATE total(integer) (SFUNC = addup, STYPE = integer, INITCOND = '0');
CREATE TABLE t (a integer);
CREATE VIEW v AS SELECT total(a) AS t FROM t;
