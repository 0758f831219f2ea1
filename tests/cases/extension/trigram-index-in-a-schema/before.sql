CREATE SCHEMA tools;
CREATE TABLE person (id integer, name text);
