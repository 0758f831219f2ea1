CREATE TABLE t (a integer, b integer);
CREATE VIEW agg AS SELECT a, sum(b) AS s FROM t GROUP BY a;
CREATE VIEW top AS SELECT a FROM agg WHERE s > 10;
GRANT SELECT ON agg TO reader;
COMMENT ON VIEW agg IS 'sums';
