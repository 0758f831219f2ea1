CREATE TABLE keyless (a text);
CREATE TABLE t (id integer PRIMARY KEY);
CREATE TABLE child_of_nobody (id integer PRIMARY KEY);
