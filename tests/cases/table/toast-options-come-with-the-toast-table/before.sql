CREATE TABLE t (id integer, body text) WITH (toast.autovacuum_enabled = off);
