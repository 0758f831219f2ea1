CREATE TABLE a (id serial, x text);
CREATE TABLE b (id integer PRIMARY KEY);
