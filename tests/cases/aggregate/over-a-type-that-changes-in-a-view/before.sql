CREATE TYPE acc AS (n integer, s numeric);
CREATE FUNCTION step(acc, numeric) RETURNS acc LANGUAGE sql IMMUTABLE RETURN ROW(($1).n + 1, ($1).s + $2)::acc;
CREATE FUNCTION fin(acc) RETURNS numeric LANGUAGE sql IMMUTABLE RETURN ($1).s / ($1).n;
CREATE AGGREGATE mean(numeric) (SFUNC = step, STYPE = acc, FINALFUNC = fin, INITCOND = '(0,0)');
CREATE TABLE t (a numeric);
CREATE VIEW v AS SELECT mean(a) AS m, mean(a) FILTER (WHERE a > 0) OVER (ORDER BY a) AS w FROM t GROUP BY a;
GRANT EXECUTE ON FUNCTION mean(numeric) TO reader;
COMMENT ON AGGREGATE mean(numeric) IS 'average';
