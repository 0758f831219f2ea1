CREATE TABLE item (a integer, b integer, c integer);
CREATE FUNCTION items() RETURNS SETOF item LANGUAGE sql STABLE AS 'SELECT * FROM item';
CREATE VIEW seen AS SELECT (i.a IS NULL) AS nothing FROM items() AS i;
