CREATE TABLE root (id integer, key integer) PARTITION BY LIST (key);
CREATE TABLE loose (id integer, key integer);
CREATE INDEX of_root ON root (id);
CREATE INDEX of_loose ON loose (id);
