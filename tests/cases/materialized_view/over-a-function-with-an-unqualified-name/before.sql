CREATE TABLE orders (id integer);
CREATE FUNCTION how_many() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM orders';
CREATE MATERIALIZED VIEW count AS SELECT how_many() AS n;
CREATE INDEX ON count (n);
