CREATE FUNCTION my_rank() RETURNS bigint LANGUAGE internal WINDOW AS 'window_rank';
CREATE TABLE t (a integer);
CREATE VIEW v AS SELECT my_rank() OVER (ORDER BY a) AS r FROM t;
