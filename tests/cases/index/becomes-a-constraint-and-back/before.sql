CREATE TABLE t (a integer NOT NULL, b integer);
CREATE UNIQUE INDEX t_key ON t (a);
CREATE TABLE r (to_a integer REFERENCES t (a));
COMMENT ON INDEX t_key IS 'unique';
