-- up.sql: what `trueup apply` runs. For reading; plan.toml is what runs.
-- plan full-name-and-currency  sha256 0f140db349e4d2fed265b2bcbc1d896fbf4b9211116ce1aa1c202a97f0915495

-- ==== expand ====

-- batch 1
BEGIN;
SET LOCAL lock_timeout = 2000; SET LOCAL statement_timeout = 30000;
-- step 1: rename column public.customers.name to full_name
ALTER TABLE public.customers RENAME COLUMN name TO full_name;
COMMIT;

-- batch 2
BEGIN;
SET LOCAL lock_timeout = 2000; SET LOCAL statement_timeout = 30000;
-- step 2: add column currency of public.orders
ALTER TABLE public.orders ADD COLUMN currency character(3) DEFAULT 'EUR'::bpchar NOT NULL;
-- step 3: alter view public.order_totals
CREATE OR REPLACE VIEW public.order_totals AS
 SELECT o.id AS order_id,
    o.customer_id,
    o.status,
    o.placed_at,
    sum(i.quantity) AS pieces,
    sum(((i.quantity)::numeric * i.unit_price)) AS total,
    o.currency
   FROM (public.orders o
     JOIN public.order_items i ON ((i.order_id = o.id)))
  GROUP BY o.id;
COMMIT;

-- batch 3
BEGIN;
SET LOCAL lock_timeout = 2000; SET LOCAL statement_timeout = 30000;
-- step 4: add constraint reviews_customer_id_fkey of public.reviews, not yet validated
ALTER TABLE public.reviews ADD CONSTRAINT reviews_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES public.customers(id) ON DELETE SET NULL NOT VALID;
COMMIT;

-- batch 4
BEGIN;
SET LOCAL lock_timeout = 2000; SET LOCAL statement_timeout = 0;
-- step 5: validate constraint reviews_customer_id_fkey of public.reviews
ALTER TABLE public.reviews VALIDATE CONSTRAINT reviews_customer_id_fkey;
COMMIT;

-- batch 5, outside any transaction
SET lock_timeout = 0; SET statement_timeout = 0;
-- step 6: create index public.reviews_customer_id_idx on table public.reviews
CREATE INDEX CONCURRENTLY reviews_customer_id_idx ON public.reviews USING btree (customer_id);

-- batch 6
BEGIN;
SET LOCAL lock_timeout = 2000; SET LOCAL statement_timeout = 30000;
-- step 7: comment on column public.orders.currency
COMMENT ON COLUMN public.orders.currency IS 'ISO 4217. Prices of variants are in EUR.';
COMMIT;

-- ==== contract ====

-- batch 7
BEGIN;
SET LOCAL lock_timeout = 2000; SET LOCAL statement_timeout = 30000;
-- step 8: drop column fax of public.customers
ALTER TABLE public.customers DROP COLUMN fax;
COMMIT;
