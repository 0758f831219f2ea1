CREATE TABLE ship (id integer PRIMARY KEY, name text, tons integer);
CREATE TABLE port (id integer PRIMARY KEY, name text);
CREATE TABLE quay (id integer PRIMARY KEY, name text);
CREATE PUBLICATION ships FOR TABLE ship;
CREATE PUBLICATION "some of ports" FOR TABLE port (id);
