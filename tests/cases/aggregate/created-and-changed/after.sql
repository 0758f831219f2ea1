CREATE AGGREGATE product(double precision) (SFUNC = float8mul, STYPE = double precision, INITCOND = '2', PARALLEL = SAFE);
CREATE TABLE t (x double precision);
CREATE VIEW p AS SELECT product(x) AS p FROM t;
CREATE AGGREGATE longest(text) (SFUNC = text_larger, STYPE = text, SORTOP = >);
COMMENT ON AGGREGATE longest(text) IS 'not really';
