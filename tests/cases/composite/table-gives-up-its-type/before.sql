CREATE TYPE rec AS (a integer, b text);
CREATE TABLE t OF rec;
