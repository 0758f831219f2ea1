CREATE TYPE place AS (x int, y int);
CREATE TABLE ship (id int PRIMARY KEY, at place);
CREATE VIEW places AS SELECT id, at FROM ship;
CREATE MATERIALIZED VIEW somewhere AS SELECT id, at IS NULL AS nowhere FROM places;
