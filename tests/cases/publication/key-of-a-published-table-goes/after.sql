CREATE TABLE ship (id integer NOT NULL, name text);
CREATE TABLE port (id integer NOT NULL);
CREATE PUBLICATION ships FOR TABLE ship, port;
