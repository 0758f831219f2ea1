CREATE TABLE t (id integer, u integer, CONSTRAINT t_pk PRIMARY KEY (id) WITH (fillfactor = 70), CONSTRAINT t_u UNIQUE (u) WITH (fillfactor = 90, deduplicate_items = off));
