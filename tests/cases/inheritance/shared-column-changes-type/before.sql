CREATE TABLE a (id integer);
CREATE TABLE b (id integer);
CREATE TABLE c () INHERITS (a, b);
