CREATE FUNCTION f(first integer, OUT b integer, VARIADIC c text[] DEFAULT '{}') LANGUAGE sql AS 'SELECT first + cardinality(c)';
CREATE TABLE t (x integer DEFAULT f(1));
