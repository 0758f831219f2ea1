CREATE TABLE t (a bigint, b integer, c text);
CREATE FUNCTION fine(r t) RETURNS boolean LANGUAGE sql IMMUTABLE RETURN r.a > r.b AND r.c <> 'x';
ALTER TABLE t ADD CONSTRAINT ok CHECK (fine(t));
CREATE VIEW v AS SELECT fine(t) FROM t;
