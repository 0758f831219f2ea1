CREATE TABLE t (id bigint PRIMARY KEY, a text, b text, d int, e int);
