CREATE FUNCTION diff(a real, b real) RETURNS double precision LANGUAGE sql IMMUTABLE RETURN a - b;
CREATE TYPE realrange AS RANGE (subtype = real, subtype_diff = diff);
CREATE TABLE t (r realrange, m realmultirange, CONSTRAINT ex EXCLUDE USING gist (r WITH &&));
CREATE VIEW v AS SELECT lower(r) AS l, unnest(m) AS u FROM t;
