-- rollback.sql: what `trueup rollback` runs. For reading; plan.toml is what runs.
-- plan full-name-and-currency  sha256 0f140db349e4d2fed265b2bcbc1d896fbf4b9211116ce1aa1c202a97f0915495

-- batch 7
BEGIN;
SET LOCAL lock_timeout = 2000; SET LOCAL statement_timeout = 0;
-- step 8: undo: drop column fax of public.customers
ALTER TABLE public.customers ADD COLUMN fax text;
COMMIT;

-- batch 6
BEGIN;
SET LOCAL lock_timeout = 2000; SET LOCAL statement_timeout = 30000;
-- step 7: undo: comment on column public.orders.currency
COMMENT ON COLUMN public.orders.currency IS NULL;
COMMIT;

-- batch 5, outside any transaction
SET lock_timeout = 0; SET statement_timeout = 0;
-- step 6: undo: create index public.reviews_customer_id_idx on table public.reviews
DROP INDEX CONCURRENTLY public.reviews_customer_id_idx;

-- step 5: nothing to undo

-- batch 3
BEGIN;
SET LOCAL lock_timeout = 2000; SET LOCAL statement_timeout = 30000;
-- step 4: undo: add constraint reviews_customer_id_fkey of public.reviews, not yet validated
ALTER TABLE public.reviews DROP CONSTRAINT reviews_customer_id_fkey;
COMMIT;

-- batch 2
BEGIN;
SET LOCAL lock_timeout = 2000; SET LOCAL statement_timeout = 0;
-- step 3: undo: alter view public.order_totals
DROP VIEW public.customer_sales;
DROP VIEW public.order_totals;
CREATE VIEW public.order_totals AS
 SELECT o.id AS order_id,
    o.customer_id,
    o.status,
    o.placed_at,
    sum(i.quantity) AS pieces,
    sum(((i.quantity)::numeric * i.unit_price)) AS total
   FROM (public.orders o
     JOIN public.order_items i ON ((i.order_id = o.id)))
  GROUP BY o.id;
CREATE VIEW public.customer_sales AS
 SELECT c.id AS customer_id,
    c.full_name AS customer,
    count(t.order_id) AS orders,
    COALESCE(sum(t.total), (0)::numeric) AS spent
   FROM (public.customers c
     LEFT JOIN public.order_totals t ON (((t.customer_id = c.id) AND (t.status = ANY (ARRAY['paid'::public.order_status, 'sent'::public.order_status])))))
  GROUP BY c.id;
COMMENT ON VIEW public.order_totals IS 'Orders with anything in them.';
SET LOCAL lock_timeout = 2000; SET LOCAL statement_timeout = 30000;
-- step 2: undo: add column currency of public.orders
ALTER TABLE public.orders DROP COLUMN currency;
COMMIT;

-- batch 1
BEGIN;
SET LOCAL lock_timeout = 2000; SET LOCAL statement_timeout = 30000;
-- step 1: undo: rename column public.customers.name to full_name
ALTER TABLE public.customers RENAME COLUMN full_name TO name;
COMMIT;
