CREATE TABLE p (id int, a int);
CREATE TABLE c () INHERITS (p);
CREATE TABLE g (id int, x int GENERATED ALWAYS AS (id + 1) STORED);
