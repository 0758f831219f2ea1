CREATE TABLE log (id bigint, line text) WITH (fillfactor = 60, autovacuum_vacuum_scale_factor = 0.05);
CREATE UNLOGGED TABLE plain (id bigint);
