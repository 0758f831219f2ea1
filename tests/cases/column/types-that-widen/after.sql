CREATE TABLE meter (id bigint PRIMARY KEY, a bigint, b text, c numeric(10, 2), d double precision, e timestamp(3));
CREATE INDEX meter_b ON meter (b);
CREATE VIEW reading AS SELECT a, b, c FROM meter WHERE a > 3;
COMMENT ON VIEW reading IS 'those above three';
