CREATE TABLE root (id integer, key integer) PARTITION BY LIST (key);
CREATE TABLE one PARTITION OF root FOR VALUES IN (1);
CREATE INDEX by_id ON root (id);
