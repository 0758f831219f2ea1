CREATE TYPE coord AS (x integer, y integer);
CREATE TABLE place (id integer, at coord, path coord[]);
CREATE VIEW xs AS SELECT (at).x FROM place;
