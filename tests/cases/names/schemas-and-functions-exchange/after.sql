-- @renamed from=two
CREATE SCHEMA one;
-- @renamed from=one
CREATE SCHEMA two;
CREATE TABLE two.t (
    a integer,
    c text -- @renamed from=b
);
CREATE TABLE one.u (c date, d date);
-- @renamed from=g
CREATE FUNCTION two.f(integer) RETURNS integer LANGUAGE sql RETURN $1 + 2;
-- @renamed from=f
CREATE FUNCTION two.g(integer) RETURNS integer LANGUAGE sql RETURN $1 + 1;
CREATE VIEW v AS SELECT two.g(a) AS f, two.f(a) AS g FROM two.t;
