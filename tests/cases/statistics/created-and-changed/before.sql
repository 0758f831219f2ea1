CREATE TABLE t (a integer, b integer, c text);
CREATE STATISTICS ab ON a, b FROM t;
