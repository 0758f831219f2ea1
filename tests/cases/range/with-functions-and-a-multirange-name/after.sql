CREATE FUNCTION diff(a real, b real) RETURNS double precision LANGUAGE sql IMMUTABLE RETURN a::double precision - b;
CREATE TYPE realrange AS RANGE (subtype = real, subtype_diff = diff, multirange_type_name = "Many reals");
CREATE TABLE t (r realrange, m "Many reals", CONSTRAINT ex EXCLUDE USING gist (r WITH &&));
CREATE VIEW v AS SELECT lower(r) AS l, unnest(m) AS u FROM t;
