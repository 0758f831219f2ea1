CREATE AGGREGATE product(double precision) (SFUNC = float8mul, STYPE = double precision, INITCOND = '1');
CREATE TABLE t (x double precision);
CREATE VIEW p AS SELECT product(x) AS p FROM t;
