CREATE TABLE t (a integer CONSTRAINT t_key PRIMARY KEY, b integer);
CREATE TABLE r (to_a integer REFERENCES t (a));
COMMENT ON INDEX t_key IS 'unique';
