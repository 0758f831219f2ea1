-- @renamed from=spot
CREATE TYPE coord AS (x integer, y integer);
CREATE TABLE place (id integer, at coord);
