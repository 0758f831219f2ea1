CREATE TABLE t (a integer);
-- @renamed from=limit_of
CREATE FUNCTION bound_of(x integer) RETURNS integer LANGUAGE sql IMMUTABLE RETURN x * 3;
ALTER TABLE t ADD CONSTRAINT ok CHECK (a < bound_of(5));
