CREATE DOMAIN amount AS integer CHECK (VALUE >= 0);
CREATE TABLE t (id integer, a amount DEFAULT 0);
CREATE VIEW v AS SELECT a FROM t;
