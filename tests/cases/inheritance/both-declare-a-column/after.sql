CREATE TABLE p (id bigint, name varchar(30), n integer);
CREATE TABLE p1 (id bigint, name varchar(30), n integer, own text) INHERITS (p);
CREATE TABLE p11 (id bigint) INHERITS (p1);
