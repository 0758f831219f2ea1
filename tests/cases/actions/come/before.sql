-- what the objects of after.sql are on and of
CREATE SCHEMA app;
CREATE TABLE base (id integer NOT NULL, name text, number integer, state text);
CREATE TABLE root (id integer, key integer) PARTITION BY LIST (key);
CREATE TABLE loose (id integer, key integer);
CREATE SEQUENCE drawn;
CREATE DOMAIN grown AS integer;
CREATE PUBLICATION news;
CREATE PUBLICATION areas;
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
CREATE FUNCTION watch() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN NULL; END $$;
CREATE FUNCTION state_of(text) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT 1';
