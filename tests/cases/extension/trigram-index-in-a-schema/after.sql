CREATE SCHEMA tools;
CREATE EXTENSION pg_trgm SCHEMA tools;
CREATE TABLE person (id integer, name text);
CREATE INDEX person_name ON person USING gin (name tools.gin_trgm_ops);
