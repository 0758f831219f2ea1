CREATE TABLE c (id integer, name text, CONSTRAINT c_pk PRIMARY KEY (id));
CREATE TABLE o (c integer REFERENCES c, total integer);
CREATE VIEW spent AS SELECT c.id, c.name, sum(o.total) AS total FROM c JOIN o ON o.c = c.id GROUP BY c.id;
