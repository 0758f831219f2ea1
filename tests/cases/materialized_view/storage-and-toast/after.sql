CREATE TABLE t (a integer, b text, c text);
CREATE MATERIALIZED VIEW m WITH (toast.autovacuum_vacuum_threshold = 7) AS SELECT a, b, c FROM t;
ALTER MATERIALIZED VIEW m ALTER COLUMN b SET STATISTICS 40, ALTER COLUMN a SET (n_distinct = 6, n_distinct_inherited = 7);
CREATE TABLE u (b text) WITH (toast.autovacuum_enabled = on);
CREATE TABLE w (b text) WITH (toast.autovacuum_enabled = off);
