CREATE TABLE t (a bigint, b varchar(50), c date);
CREATE STATISTICS s1 (dependencies, mcv) ON a, b FROM t;
CREATE STATISTICS s2 ON (a + 1), lower(b) FROM t;
CREATE STATISTICS s3 ON a, c FROM t;
ALTER STATISTICS s1 SET STATISTICS 50;
COMMENT ON STATISTICS s2 IS 'of expressions';
