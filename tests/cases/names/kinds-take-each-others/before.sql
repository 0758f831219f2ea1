CREATE TABLE t (a integer CONSTRAINT taken UNIQUE);
CREATE INDEX i ON t (a);
CREATE SEQUENCE s;
CREATE VIEW v AS SELECT a FROM t;
CREATE TYPE e AS ENUM ('x');
CREATE TYPE r AS RANGE (subtype = integer, multirange_type_name = rs);
CREATE TYPE c AS (a integer);
