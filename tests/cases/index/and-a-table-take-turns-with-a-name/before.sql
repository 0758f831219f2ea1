CREATE TABLE t (a integer);
CREATE INDEX other ON t (a);
