CREATE TABLE a (id integer, x text DEFAULT 'aa', more date);
CREATE TABLE b (id integer, y varchar(9));
CREATE TABLE c (z text) INHERITS (a, b);
ALTER TABLE c ALTER COLUMN x SET DEFAULT 'cc';
CREATE VIEW v AS SELECT * FROM c;
