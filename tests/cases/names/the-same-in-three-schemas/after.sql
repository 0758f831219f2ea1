CREATE SCHEMA a; CREATE SCHEMA b; CREATE SCHEMA c;
CREATE TABLE t (id bigint PRIMARY KEY);
CREATE TABLE a.t (id bigint PRIMARY KEY, up bigint REFERENCES public.t);
CREATE TYPE e AS ENUM ('x', 'z'); CREATE TYPE a.e AS ENUM ('z', 'y');
CREATE TABLE b.t (id integer PRIMARY KEY, up bigint REFERENCES a.t, e a.e, d public.e);
CREATE TABLE c.t (id integer PRIMARY KEY, up integer REFERENCES b.t);
CREATE FUNCTION f(t) RETURNS bigint LANGUAGE sql RETURN $1.id;
CREATE FUNCTION a.f(a.t) RETURNS bigint LANGUAGE sql RETURN $1.up;
CREATE VIEW v AS SELECT x.id, f(x) AS f, a.f(y) AS g FROM t x, a.t y;
