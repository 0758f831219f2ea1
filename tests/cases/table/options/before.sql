CREATE TABLE log (id bigint, line text) WITH (fillfactor = 90, autovacuum_enabled = false);
CREATE TABLE plain (id bigint);
