CREATE TABLE t (a bigint, b text, d date);
GRANT SELECT (b, d), UPDATE (d) ON t TO reader WITH GRANT OPTION;
GRANT INSERT (a) ON t TO writer;
