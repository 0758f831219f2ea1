CREATE TABLE t (a text, b text, c integer[]);
CREATE INDEX i ON t (lower(a) COLLATE "C" text_pattern_ops DESC NULLS LAST, b) WHERE a IS NOT NULL;
CREATE INDEX j ON t USING gin (c) WITH (fastupdate = off);
CREATE INDEX k ON t USING brin (b) WITH (pages_per_range = 16, autosummarize);
ALTER INDEX i ALTER COLUMN 1 SET STATISTICS 100;
