CREATE TABLE t (a integer, b integer, c text);
CREATE STATISTICS ab (dependencies, ndistinct) ON a, b, c FROM t;
ALTER STATISTICS ab SET STATISTICS 300;
CREATE STATISTICS expr ON (a + b), lower(c) FROM t;
