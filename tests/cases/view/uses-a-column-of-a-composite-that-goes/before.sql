CREATE TYPE addr AS (street text, zip text);
CREATE TABLE p (id integer, a addr);
CREATE VIEW v AS SELECT id, (a).street, (a).zip FROM p;
CREATE INDEX p_zip ON p (((a).zip));
