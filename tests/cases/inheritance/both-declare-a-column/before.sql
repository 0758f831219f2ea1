CREATE TABLE p (id integer, name varchar(10), n numeric);
CREATE TABLE p1 (id integer, name varchar(10), n numeric, own text) INHERITS (p);
CREATE TABLE p11 (id integer) INHERITS (p1);
