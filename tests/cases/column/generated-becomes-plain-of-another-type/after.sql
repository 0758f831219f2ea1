CREATE TABLE t (m integer, g numeric(10, 2));
CREATE TABLE p (m integer, g bigint DEFAULT 1 NOT NULL, key integer) PARTITION BY LIST (key);
CREATE TABLE p_1 PARTITION OF p FOR VALUES IN (1);
