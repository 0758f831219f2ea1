CREATE TABLE orders (
    id bigint PRIMARY KEY,
    customer int NOT NULL,
    -- @convert using=status::text back=status::public.state
    status text DEFAULT 'new' NOT NULL,
    note text,
    CONSTRAINT orders_paid CHECK (status <> 'paid' OR customer > 0),
    CONSTRAINT orders_one UNIQUE (customer, status)
);
COMMENT ON COLUMN orders.status IS 'where it stands';
CREATE INDEX orders_status ON orders (status, customer DESC) WHERE status <> 'sent';
CREATE VIEW open_orders AS SELECT id, status FROM orders WHERE status <> 'sent';
CREATE VIEW counted AS SELECT status, count(*) AS n FROM open_orders GROUP BY status;
GRANT SELECT (status) ON orders TO reader;
CREATE STATISTICS orders_stat (dependencies) ON customer, status FROM orders;
