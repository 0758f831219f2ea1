CREATE TABLE ship (id integer, name text);
CREATE TABLE port (id integer PRIMARY KEY, name text);
CREATE PUBLICATION ships FOR TABLE ship, port;
