CREATE TABLE t (a integer, b text, c date);
GRANT SELECT (a, b), UPDATE (c) ON t TO reader;
GRANT REFERENCES (a) ON t TO PUBLIC;
