CREATE TABLE t (id integer GENERATED ALWAYS AS IDENTITY, body varchar(70), CONSTRAINT pk PRIMARY KEY (id)) WITH (toast_tuple_target = 4000, autovacuum_vacuum_scale_factor = 0.1);
CREATE TABLE c (t integer REFERENCES t);
ALTER TABLE t ALTER COLUMN body SET (n_distinct = 10, n_distinct_inherited = 3);
ALTER TABLE t REPLICA IDENTITY USING INDEX pk;
