CREATE TABLE t (a integer, b text);
CREATE VIEW v WITH (security_barrier = true) AS SELECT a, b FROM t WHERE a > 0 WITH LOCAL CHECK OPTION;
ALTER VIEW v ALTER COLUMN b SET DEFAULT 'none';
