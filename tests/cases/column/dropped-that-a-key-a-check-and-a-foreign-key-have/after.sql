CREATE TABLE p (a integer, b integer, PRIMARY KEY (a, b));
CREATE TABLE t (id integer PRIMARY KEY, b integer);
CREATE TABLE r (id integer, a integer, FOREIGN KEY (id) REFERENCES t);
