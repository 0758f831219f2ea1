CREATE TABLE t (a integer);
-- @renamed from=v
CREATE VIEW vue AS SELECT a FROM t;
CREATE VIEW w AS SELECT a FROM vue;
GRANT SELECT ON vue TO reader;
