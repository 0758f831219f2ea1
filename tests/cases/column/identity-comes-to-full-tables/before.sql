CREATE TABLE keyless (a text);
CREATE TABLE t (id integer PRIMARY KEY);
CREATE TABLE child_of_nobody (id integer PRIMARY KEY);
CREATE TABLE keyed (a text);
CREATE TABLE whole (k integer NOT NULL) PARTITION BY RANGE (k);
CREATE TABLE part PARTITION OF whole FOR VALUES FROM (0) TO (10);
CREATE TABLE parent (a text);
CREATE TABLE inheritor (b text) INHERITS (parent);
