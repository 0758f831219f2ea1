CREATE FUNCTION near(integer, integer) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT abs($1 - $2) < 2';
CREATE FUNCTION far(integer, integer) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT abs($1 - $2) >= 2';
CREATE OPERATOR ~~~ (FUNCTION = near, LEFTARG = integer, RIGHTARG = integer, COMMUTATOR = ~~~, NEGATOR = !~~~);
CREATE OPERATOR !~~~ (FUNCTION = far, LEFTARG = integer, RIGHTARG = integer, COMMUTATOR = !~~~, NEGATOR = ~~~);
CREATE TABLE t (a integer, b integer, CHECK (a ~~~ b));
CREATE VIEW close AS SELECT * FROM t WHERE a ~~~ 1;
COMMENT ON OPERATOR ~~~ (integer, integer) IS 'about the same';
