CREATE TABLE p (a integer, b integer, PRIMARY KEY (a, b));
CREATE TABLE t (id integer PRIMARY KEY, a integer, b integer, CONSTRAINT k CHECK (a < b), CONSTRAINT u UNIQUE (a, id), CONSTRAINT f FOREIGN KEY (a, b) REFERENCES p);
CREATE TABLE r (id integer, a integer, FOREIGN KEY (a, id) REFERENCES t (a, id));
CREATE STATISTICS s ON a, b FROM t;
