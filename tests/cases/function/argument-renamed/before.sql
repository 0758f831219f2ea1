CREATE FUNCTION f(a integer, OUT b integer, VARIADIC c text[] DEFAULT '{}') LANGUAGE sql AS 'SELECT a + cardinality(c)';
CREATE TABLE t (x integer DEFAULT f(1));
