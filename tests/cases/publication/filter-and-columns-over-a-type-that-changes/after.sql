CREATE TABLE t (id bigint PRIMARY KEY, a bigint, b text);
CREATE TABLE part (id integer NOT NULL) PARTITION BY RANGE (id);
CREATE TABLE part_1 PARTITION OF part FOR VALUES FROM (1) TO (5);
CREATE PUBLICATION p FOR TABLE t (id, a) WHERE (a > 3 AND id > 0), part WITH (publish = 'insert, delete', publish_via_partition_root = false);
COMMENT ON PUBLICATION p IS 'out';
