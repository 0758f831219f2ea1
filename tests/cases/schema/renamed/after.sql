-- @renamed from=depot
CREATE SCHEMA kontor;
CREATE TYPE kontor.grade AS ENUM ('a', 'b');
CREATE TABLE kontor.crate (id integer PRIMARY KEY, grade kontor.grade DEFAULT 'a');
CREATE VIEW kontor.good AS SELECT id FROM kontor.crate WHERE grade = 'a';
CREATE FUNCTION kontor.count_all() RETURNS bigint LANGUAGE sql STABLE RETURN (SELECT count(*) FROM kontor.crate);
