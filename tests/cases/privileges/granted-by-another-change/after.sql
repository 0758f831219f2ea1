CREATE TABLE t (a integer);
GRANT SELECT ON t TO writer;
GRANT INSERT ON t TO reader;
