CREATE TABLE sale (id integer, amount integer);
CREATE MATERIALIZED VIEW total AS SELECT sum(amount) AS amount FROM sale;
CREATE VIEW through AS SELECT amount FROM total;
