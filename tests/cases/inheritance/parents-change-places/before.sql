CREATE TABLE a (x integer, CONSTRAINT k CHECK (x > 0));
CREATE TABLE b (y integer);
CREATE TABLE c (x integer, y integer, CONSTRAINT k CHECK (x > 0)) INHERITS (a);
