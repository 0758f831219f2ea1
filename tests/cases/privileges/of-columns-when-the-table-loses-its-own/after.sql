CREATE TABLE t (a integer, b text, c text);
GRANT SELECT (a, b), UPDATE (c) ON t TO reader;
GRANT SELECT (b) ON t TO writer;
