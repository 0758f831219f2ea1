CREATE TABLE t (id integer, u integer, CONSTRAINT t_pk PRIMARY KEY (id), CONSTRAINT t_u UNIQUE (u) WITH (fillfactor = 80));
