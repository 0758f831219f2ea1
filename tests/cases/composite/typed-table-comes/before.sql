CREATE TYPE rec AS (a integer, b text);
CREATE TABLE t OF rec (PRIMARY KEY (a));
CREATE VIEW v AS SELECT a, b FROM t;
