CREATE SCHEMA new;
CREATE TYPE new.e AS ENUM ('a');
CREATE FUNCTION new.f(x integer) RETURNS integer LANGUAGE sql IMMUTABLE RETURN x;
CREATE TABLE new.t (id serial PRIMARY KEY, e new.e DEFAULT 'a', n integer CHECK (new.f(n) > 0));
CREATE VIEW new.v AS SELECT * FROM new.t;
CREATE TABLE stays (t integer REFERENCES new.t, e new.e);
CREATE VIEW w AS SELECT e FROM new.v;
