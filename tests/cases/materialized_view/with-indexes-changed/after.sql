CREATE TABLE sale (id integer PRIMARY KEY, product text, amount integer);
CREATE MATERIALIZED VIEW turnover AS SELECT product, sum(amount) AS total, count(*) AS sales FROM sale GROUP BY product;
CREATE UNIQUE INDEX turnover_product ON turnover (product);
CREATE INDEX turnover_total ON turnover (total DESC);
CREATE VIEW best AS SELECT product FROM turnover WHERE total > 100;
GRANT SELECT ON turnover TO reader;
COMMENT ON MATERIALIZED VIEW turnover IS 'nightly';
