CREATE TABLE p (a bigint, b text);
CREATE TABLE k (c text) INHERITS (p);
CREATE TABLE l (d text) INHERITS (k);
CREATE INDEX l_a ON l (a);
CREATE VIEW v AS SELECT a, tableoid::regclass AS r FROM p;
CREATE VIEW w AS SELECT a, d FROM l;
CREATE FUNCTION f(k) RETURNS bigint LANGUAGE sql STABLE RETURN $1.a;
