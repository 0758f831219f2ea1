CREATE TABLE ship (id integer PRIMARY KEY, name text, tons bigint, flag text);
CREATE TABLE port (id integer PRIMARY KEY, name text, zone text);
CREATE TABLE quay (id integer PRIMARY KEY, name text, zone text);
CREATE PUBLICATION ships FOR TABLE ship;
CREATE PUBLICATION "some of ports" FOR TABLE port (id);
