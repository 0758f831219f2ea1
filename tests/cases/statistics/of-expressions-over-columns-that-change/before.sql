CREATE TABLE t (a integer, b text, c date, gone integer);
CREATE STATISTICS s1 (ndistinct, mcv) ON a, b FROM t;
CREATE STATISTICS s2 ON (a + 1), lower(b) FROM t;
CREATE STATISTICS s3 ON a, gone FROM t;
ALTER STATISTICS s1 SET STATISTICS 300;
COMMENT ON STATISTICS s2 IS 'of expressions';
