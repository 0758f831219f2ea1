CREATE TABLE parent (a integer);
CREATE TABLE other (b integer) INHERITS (parent);
CREATE MATERIALIZED VIEW seen AS SELECT a FROM other;
