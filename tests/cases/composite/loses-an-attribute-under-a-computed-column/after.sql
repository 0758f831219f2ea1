CREATE TYPE place AS (x int, z int);
CREATE TABLE ship (id int PRIMARY KEY, at place, nowhere boolean GENERATED ALWAYS AS (at IS NULL) STORED);
GRANT SELECT (at) ON ship TO PUBLIC;
