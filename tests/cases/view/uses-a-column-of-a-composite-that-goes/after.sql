CREATE TYPE addr AS (street text, city text);
CREATE TABLE p (id integer, a addr);
CREATE VIEW v AS SELECT id, (a).street, (a).city FROM p;
CREATE INDEX p_zip ON p (((a).city));
