CREATE SCHEMA one;
CREATE SCHEMA two;
CREATE TABLE one.t (a integer, b text);
CREATE TABLE two.u (c date);
CREATE FUNCTION one.f(integer) RETURNS integer LANGUAGE sql RETURN $1 + 1;
CREATE FUNCTION one.g(integer) RETURNS integer LANGUAGE sql RETURN $1 + 2;
CREATE VIEW v AS SELECT one.f(a) AS f, one.g(a) AS g FROM one.t;
