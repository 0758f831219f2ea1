CREATE SCHEMA shop;
CREATE TYPE shop.state AS ENUM ('new', 'packed', 'paid');
CREATE TABLE shop.country (code char(2) PRIMARY KEY);
CREATE TABLE shop.customer (id serial PRIMARY KEY, name text, country char(2) CONSTRAINT lives_in REFERENCES shop.country);
CREATE TABLE shop.orders (id bigserial PRIMARY KEY, customer integer REFERENCES shop.customer ON DELETE CASCADE, state shop.state NOT NULL DEFAULT 'new', total numeric(10, 2) CHECK (total >= 0));
CREATE INDEX orders_customer ON shop.orders (customer) WHERE state <> 'paid';
CREATE VIEW shop.open AS SELECT o.id, c.name, o.total, c.country FROM shop.orders o JOIN shop.customer c ON c.id = o.customer WHERE o.state <> 'paid';
CREATE FUNCTION shop.owed(bigint) RETURNS numeric LANGUAGE sql STABLE AS 'SELECT sum(total) FROM shop.open WHERE id = $1';
