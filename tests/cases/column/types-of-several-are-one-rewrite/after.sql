CREATE TABLE line (id bigint PRIMARY KEY, a bigint DEFAULT 7, b varchar(9) NOT NULL, c double precision, d timestamptz, note varchar(50));
CREATE INDEX line_a ON line (a);
CREATE INDEX line_b ON line (b, c);
CREATE VIEW lines AS SELECT id, a, c FROM line;
CREATE TABLE whole (id integer NOT NULL, n bigint, m bigint) PARTITION BY RANGE (id);
CREATE TABLE part PARTITION OF whole FOR VALUES FROM (0) TO (100);
CREATE TABLE parent (p bigint, q bigint);
CREATE TABLE child (own bigint) INHERITS (parent);
