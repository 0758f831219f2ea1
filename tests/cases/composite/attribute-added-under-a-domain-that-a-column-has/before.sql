CREATE TYPE pair AS (x smallint);
CREATE DOMAIN given AS pair;
CREATE TYPE outer_one AS (inside pair);
CREATE TABLE stored (f given NOT NULL);
