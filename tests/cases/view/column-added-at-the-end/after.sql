CREATE TABLE t (a integer, b text, c date);
CREATE VIEW v AS SELECT a, b, c FROM t;
CREATE VIEW w AS SELECT a FROM v;
GRANT SELECT ON v TO reader;
COMMENT ON VIEW v IS 'some of it';
