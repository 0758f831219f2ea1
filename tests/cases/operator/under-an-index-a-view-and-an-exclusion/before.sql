CREATE TYPE c AS (re integer, im integer);
CREATE FUNCTION eqc(c, c) RETURNS boolean LANGUAGE sql IMMUTABLE RETURN ($1).re = ($2).re AND ($1).im = ($2).im;
CREATE FUNCTION addc(c, c) RETURNS c LANGUAGE sql IMMUTABLE RETURN ROW(($1).re + ($2).re, ($1).im + ($2).im)::c;
CREATE OPERATOR === (LEFTARG = c, RIGHTARG = c, FUNCTION = eqc, COMMUTATOR = ===);
CREATE OPERATOR @+ (LEFTARG = c, RIGHTARG = c, FUNCTION = addc);
CREATE VIEW v AS SELECT ROW(1, 2)::c === ROW(1, 2)::c AS same, ROW(1, 2)::c @+ ROW(1, 2)::c AS s;
CREATE TABLE t (a c, b c, CONSTRAINT k CHECK (a === b));
COMMENT ON OPERATOR @+ (c, c) IS 'adds';
