CREATE TABLE t (id integer, body varchar(70));
