CREATE TABLE a (x integer NOT NULL, y integer CONSTRAINT named NOT NULL);
