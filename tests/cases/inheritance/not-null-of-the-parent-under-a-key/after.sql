CREATE TABLE p (a int, b int);
CREATE TABLE keyed (a int PRIMARY KEY) INHERITS (p);
CREATE TABLE below (CONSTRAINT its_own CHECK (b > 0)) INHERITS (keyed);
CREATE TABLE free () INHERITS (p);
