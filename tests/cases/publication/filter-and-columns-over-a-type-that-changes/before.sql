CREATE TABLE t (id integer PRIMARY KEY, a integer, b text);
CREATE TABLE part (id integer NOT NULL) PARTITION BY RANGE (id);
CREATE PUBLICATION p FOR TABLE t (id, a) WHERE (a > 3 AND id > 0), part WITH (publish = 'insert', publish_via_partition_root);
COMMENT ON PUBLICATION p IS 'out';
