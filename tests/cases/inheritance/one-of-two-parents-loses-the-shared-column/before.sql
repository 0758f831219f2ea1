CREATE TABLE a (id integer, x text, CONSTRAINT ok CHECK (id > 0));
CREATE TABLE b (id integer, y text, CONSTRAINT ok CHECK (id > 0));
CREATE TABLE c (z text) INHERITS (a, b);
