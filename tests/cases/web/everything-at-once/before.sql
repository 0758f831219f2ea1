CREATE SCHEMA shop;
CREATE TYPE shop.state AS ENUM ('new', 'paid');
CREATE TABLE shop.customer (id serial PRIMARY KEY, name text, phone text);
CREATE TABLE shop.orders (id serial PRIMARY KEY, customer integer REFERENCES shop.customer, state shop.state DEFAULT 'new', total integer, note text);
CREATE INDEX orders_note ON shop.orders (note);
CREATE VIEW shop.open AS SELECT o.id, c.name, o.total FROM shop.orders o JOIN shop.customer c ON c.id = o.customer WHERE o.state = 'new';
CREATE FUNCTION shop.owed(integer) RETURNS bigint LANGUAGE sql STABLE AS 'SELECT sum(total) FROM shop.open WHERE id = $1';
