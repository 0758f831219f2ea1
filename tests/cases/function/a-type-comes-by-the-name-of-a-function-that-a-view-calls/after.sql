CREATE DOMAIN beta AS interval DEFAULT '1 hour';
CREATE TABLE t (a text, b boolean);
CREATE VIEW n19 AS SELECT (r0.b)::text AS d FROM t r0 WHERE r0.b IS NOT NULL;
