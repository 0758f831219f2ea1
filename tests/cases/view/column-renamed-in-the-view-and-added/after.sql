CREATE TABLE t (a integer, b text, c date);
CREATE VIEW v AS SELECT a AS id, b, c FROM t;
CREATE VIEW w AS SELECT id AS a, b FROM v;
