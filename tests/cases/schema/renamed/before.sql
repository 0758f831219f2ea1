-- @renamed from=kontor
CREATE SCHEMA depot;
CREATE TYPE depot.grade AS ENUM ('a', 'b');
CREATE TABLE depot.crate (id integer PRIMARY KEY, grade depot.grade DEFAULT 'a');
CREATE VIEW depot.good AS SELECT id FROM depot.crate WHERE grade = 'a';
CREATE FUNCTION depot.count_all() RETURNS bigint LANGUAGE sql STABLE RETURN (SELECT count(*) FROM depot.crate);
