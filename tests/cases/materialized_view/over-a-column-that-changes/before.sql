CREATE TABLE sale (id integer PRIMARY KEY, amount integer);
CREATE MATERIALIZED VIEW doubled AS SELECT id, amount * 2 AS twice FROM sale WITH NO DATA;
CREATE INDEX doubled_twice ON doubled (twice);
