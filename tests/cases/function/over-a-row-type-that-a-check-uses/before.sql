CREATE TABLE t (a integer, b integer);
CREATE FUNCTION fine(r t) RETURNS boolean LANGUAGE sql IMMUTABLE RETURN r.a > r.b;
ALTER TABLE t ADD CONSTRAINT ok CHECK (fine(t));
CREATE VIEW v AS SELECT fine(t) FROM t;
