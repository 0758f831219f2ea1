CREATE TABLE a (id integer PRIMARY KEY, x text);
CREATE TABLE b (id integer PRIMARY KEY);
CREATE PUBLICATION news FOR TABLE a, b WITH (publish_via_partition_root);
CREATE PUBLICATION a_few;
