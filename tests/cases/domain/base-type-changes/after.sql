CREATE DOMAIN amount AS numeric(12, 2) CHECK (VALUE >= 0);
CREATE TABLE t (id integer, a amount DEFAULT 0);
CREATE VIEW v AS SELECT a FROM t;
