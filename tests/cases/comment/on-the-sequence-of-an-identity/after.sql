CREATE TABLE t (id integer GENERATED ALWAYS AS IDENTITY);
COMMENT ON COLUMN t.id IS 'number';
COMMENT ON SEQUENCE t_id_seq IS 'where numbers come from';
GRANT USAGE ON SEQUENCE t_id_seq TO reader;
