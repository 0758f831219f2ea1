CREATE TABLE p (a int);
CREATE TABLE c (d int) INHERITS (p);
CREATE TABLE q (a int);
CREATE TABLE k (d int) INHERITS (q);
