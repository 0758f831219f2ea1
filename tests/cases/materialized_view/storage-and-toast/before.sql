CREATE TABLE t (a integer, b text, c text);
CREATE MATERIALIZED VIEW m WITH (toast.autovacuum_enabled = off) AS SELECT a, b, c FROM t;
ALTER MATERIALIZED VIEW m ALTER COLUMN b SET STORAGE external, ALTER COLUMN c SET COMPRESSION pglz, ALTER COLUMN a SET (n_distinct = 5);
CREATE TABLE u (b text) WITH (toast.autovacuum_enabled = off, fillfactor = 80);
