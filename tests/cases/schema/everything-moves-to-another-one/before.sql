CREATE SCHEMA old;
CREATE TYPE old.e AS ENUM ('a');
CREATE FUNCTION old.f(x integer) RETURNS integer LANGUAGE sql IMMUTABLE RETURN x;
CREATE TABLE old.t (id serial PRIMARY KEY, e old.e DEFAULT 'a', n integer CHECK (old.f(n) > 0));
CREATE VIEW old.v AS SELECT * FROM old.t;
CREATE TABLE stays (t integer, e old.e);
CREATE VIEW w AS SELECT e FROM old.v;
