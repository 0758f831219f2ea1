CREATE TABLE meter (id integer PRIMARY KEY, a integer, b character varying(10), c numeric(6, 2), d real, e timestamp(0));
CREATE INDEX meter_b ON meter (b);
CREATE VIEW reading AS SELECT a, b, c FROM meter WHERE a > 3;
COMMENT ON VIEW reading IS 'those above three';
