CREATE TABLE t (id integer PRIMARY KEY, x text, y integer NOT NULL);
