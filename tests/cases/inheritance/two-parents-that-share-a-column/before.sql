CREATE TABLE a (id integer, x text DEFAULT 'a');
CREATE TABLE b (id integer, y text);
CREATE TABLE c (z text) INHERITS (a, b);
ALTER TABLE c ALTER COLUMN x SET DEFAULT 'c';
