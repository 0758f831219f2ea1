CREATE COLLATION plain FROM "C";
CREATE DOMAIN word AS text COLLATE plain;
CREATE TABLE t (a text COLLATE plain, b word, c text);
CREATE INDEX t_c ON t (c COLLATE plain);
CREATE VIEW v AS SELECT a FROM t ORDER BY c COLLATE plain;
CREATE TYPE ct AS (x text COLLATE plain);
