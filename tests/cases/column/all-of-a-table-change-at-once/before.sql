CREATE TABLE t (a smallint, b integer, c varchar(5), d date, e real, f text, g text[] DEFAULT '{x}', h char(3));
CREATE INDEX t_all ON t (a, b, c, d, e);
CREATE VIEW v AS SELECT * FROM t;
CREATE VIEW w AS SELECT v.*, row_number() OVER (ORDER BY a) AS r FROM v;
