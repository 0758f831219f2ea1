CREATE TABLE t (a integer);
-- @renamed from=vue
CREATE VIEW v AS SELECT a FROM t;
CREATE VIEW w AS SELECT a FROM v;
GRANT SELECT ON v TO reader;
