CREATE TABLE sale (id integer PRIMARY KEY, amount integer, old integer);
CREATE MATERIALIZED VIEW total AS SELECT id, amount, old FROM sale;
CREATE UNIQUE INDEX total_id ON total (id);
CREATE INDEX total_amount ON total ((amount * 2)) WHERE amount > 0;
COMMENT ON INDEX total_id IS 'one row a sale';
GRANT SELECT ON total TO pg_monitor;
CREATE VIEW few AS SELECT id FROM total WHERE id < 10;
