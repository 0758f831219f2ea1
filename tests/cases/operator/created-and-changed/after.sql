CREATE FUNCTION near(integer, integer) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT abs($1 - $2) < 2';
CREATE FUNCTION far(integer, integer) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT abs($1 - $2) >= 2';
CREATE FUNCTION half(integer) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT $1 / 2';
CREATE OPERATOR ~~~ (FUNCTION = near, LEFTARG = integer, RIGHTARG = integer, COMMUTATOR = ~~~, NEGATOR = !~~~, RESTRICT = contsel, JOIN = contjoinsel);
CREATE OPERATOR !~~~ (FUNCTION = far, LEFTARG = integer, RIGHTARG = integer, COMMUTATOR = !~~~, NEGATOR = ~~~);
CREATE OPERATOR // (FUNCTION = half, RIGHTARG = integer);
CREATE TABLE t (a integer, b integer, CHECK (a ~~~ b));
CREATE VIEW close AS SELECT * FROM t WHERE a ~~~ 1;
CREATE VIEW halves AS SELECT // a AS half FROM t;
