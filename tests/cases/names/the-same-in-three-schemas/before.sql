CREATE SCHEMA a; CREATE SCHEMA b;
CREATE TABLE t (id integer PRIMARY KEY);
CREATE TABLE a.t (id integer PRIMARY KEY, up integer REFERENCES public.t);
CREATE TABLE b.t (id integer PRIMARY KEY, up integer REFERENCES a.t);
CREATE FUNCTION f(t) RETURNS integer LANGUAGE sql RETURN $1.id;
CREATE FUNCTION a.f(a.t) RETURNS integer LANGUAGE sql RETURN $1.up;
CREATE VIEW v AS SELECT x.id, f(x) AS f, a.f(y) AS g FROM t x, a.t y;
CREATE TYPE e AS ENUM ('x'); CREATE TYPE a.e AS ENUM ('y');
