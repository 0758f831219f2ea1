CREATE TABLE sale (id integer PRIMARY KEY, price numeric(12, 2) NOT NULL, qty integer NOT NULL);
CREATE VIEW line AS SELECT id, price * qty AS total FROM sale;
CREATE MATERIALIZED VIEW daily AS SELECT sum(total) AS total, count(*) AS n FROM line WITH DATA;
CREATE UNIQUE INDEX daily_total ON daily (total);
CREATE VIEW shown AS SELECT total, n FROM daily;
GRANT SELECT ON daily TO reader;
COMMENT ON INDEX daily_total IS 'for refreshes beside readers';
COMMENT ON COLUMN daily.n IS 'how many';
