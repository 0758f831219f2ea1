CREATE TABLE line (id integer PRIMARY KEY, a integer DEFAULT 7, b text NOT NULL, c numeric, d timestamp, note varchar(40));
CREATE INDEX line_a ON line (a);
CREATE INDEX line_b ON line (b, c);
CREATE VIEW lines AS SELECT id, a, c FROM line;
CREATE TABLE whole (id integer NOT NULL, n integer, m integer) PARTITION BY RANGE (id);
CREATE TABLE part PARTITION OF whole FOR VALUES FROM (0) TO (100);
CREATE TABLE parent (p integer, q integer);
CREATE TABLE child (own integer) INHERITS (parent);
