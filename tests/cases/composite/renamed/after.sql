-- @renamed from=coord
CREATE TYPE spot AS (x integer, y integer);
CREATE TABLE place (id integer, at spot);
