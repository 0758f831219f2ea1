CREATE FUNCTION backwards(integer, integer) RETURNS integer LANGUAGE sql IMMUTABLE STRICT AS 'SELECT $2 - $1';
CREATE OPERATOR FAMILY turned USING btree;
CREATE OPERATOR CLASS down FOR TYPE integer USING btree FAMILY turned AS
    OPERATOR 1 >, OPERATOR 2 >=, OPERATOR 3 =, OPERATOR 4 <=, OPERATOR 5 <, FUNCTION 1 backwards(integer, integer);
ALTER OPERATOR FAMILY turned USING btree ADD OPERATOR 1 < (bigint, integer);
CREATE TABLE t (a integer);
CREATE INDEX t_down ON t (a down);
COMMENT ON OPERATOR CLASS down USING btree IS 'the other way round';
COMMENT ON OPERATOR FAMILY turned USING btree IS 'turned round';
