CREATE TABLE t (a varchar(40), b varchar(40), c bigint[]);
CREATE INDEX i ON t (lower(a) COLLATE "POSIX" DESC NULLS LAST, b) WHERE a IS NOT NULL AND b > '';
CREATE INDEX j ON t USING gin (c) WITH (fastupdate = on, gin_pending_list_limit = 128);
CREATE INDEX k ON t USING brin (b) WITH (pages_per_range = 32);
ALTER INDEX i ALTER COLUMN 1 SET STATISTICS 200;
