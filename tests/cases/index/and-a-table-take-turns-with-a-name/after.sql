CREATE TABLE t (a integer);
CREATE TABLE other (x integer);
CREATE INDEX t_a ON t (a);
CREATE INDEX t_other ON other (x);
