CREATE TABLE p (a int, b int);
CREATE TABLE c (a int, x int) INHERITS (p);
CREATE TABLE d (a int NOT NULL) INHERITS (p);
CREATE TABLE e () INHERITS (c);
