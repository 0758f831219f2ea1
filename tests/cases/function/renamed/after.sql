CREATE TABLE t (a integer);
-- @renamed from=bound_of
CREATE FUNCTION limit_of(x integer) RETURNS integer LANGUAGE sql IMMUTABLE RETURN x * 3;
ALTER TABLE t ADD CONSTRAINT ok CHECK (a < limit_of(5));
