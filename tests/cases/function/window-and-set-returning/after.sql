CREATE FUNCTION my_rank() RETURNS bigint LANGUAGE internal WINDOW IMMUTABLE AS 'window_dense_rank';
CREATE TABLE t (a integer);
CREATE VIEW v AS SELECT my_rank() OVER (ORDER BY a DESC) AS r FROM t;
