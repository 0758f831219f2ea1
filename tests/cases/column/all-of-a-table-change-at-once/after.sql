CREATE TABLE t (a integer, b bigint, c varchar(50), d timestamp, e double precision, f varchar, g varchar(9)[] DEFAULT '{y}', h text);
CREATE INDEX t_all ON t (a, b, c, d, e);
CREATE VIEW v AS SELECT * FROM t;
CREATE VIEW w AS SELECT v.*, row_number() OVER (ORDER BY a) AS r FROM v;
