CREATE TYPE rec AS (a integer, b varchar(30), c date);
CREATE TABLE t OF rec;
