CREATE TABLE person (id integer PRIMARY KEY, name text, born date);
CREATE FUNCTION shout(person) RETURNS text LANGUAGE sql STABLE AS 'SELECT upper(($1).name)';
CREATE FUNCTION everyone() RETURNS SETOF person LANGUAGE sql STABLE AS 'SELECT * FROM person';
CREATE VIEW loud AS SELECT shout(p) AS who FROM everyone() p;
