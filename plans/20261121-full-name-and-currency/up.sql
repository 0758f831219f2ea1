-- up.sql: what `trueup apply` runs. For reading; plan.toml is what runs.
-- plan full-name-and-currency  sha256 6d21020b8c93ed6783a7fa61359913a6703c435e4cea48777c38f9901a59f435

-- ==== expand ====

-- batch 1
BEGIN;
SET LOCAL lock_timeout = 2000; SET LOCAL statement_timeout = 30000;
-- step 1: add column full_name of public.customers beside name
CREATE SEQUENCE trueup.writes_bbec0a38;
CREATE SEQUENCE trueup.last_bbec0a38;
CREATE FUNCTION trueup.sync_bbec0a38() RETURNS pg_catalog.trigger LANGUAGE plpgsql AS $$BEGIN
    IF pg_catalog.record_image_eq(ROW(NEW.name), ROW(NEW.full_name)) THEN RETURN NEW; END IF;
    IF TG_OP OPERATOR(pg_catalog.=) 'INSERT' THEN
        IF pg_catalog.record_image_eq(ROW(NEW.full_name), ROW(NULL::text)) THEN NEW.full_name := NEW.name;
        ELSIF pg_catalog.record_image_eq(ROW(NEW.name), ROW(NULL::text)) THEN NEW.name := NEW.full_name;
        ELSE RAISE EXCEPTION USING ERRCODE = '23514', MESSAGE = 'name and full_name of public.customers are one column under two names, and were given different values';
        END IF;
    ELSIF pg_catalog.record_image_eq(ROW(NEW.full_name), ROW(OLD.full_name)) THEN NEW.full_name := NEW.name;
    ELSIF pg_catalog.record_image_eq(ROW(NEW.name), ROW(OLD.name)) THEN NEW.name := NEW.full_name;
    ELSE RAISE EXCEPTION USING ERRCODE = '23514', MESSAGE = 'name and full_name of public.customers are one column under two names, and were given different values';
    END IF;
    RETURN NEW;
END$$;
CREATE FUNCTION trueup.mirror_bbec0a38() RETURNS pg_catalog.trigger LANGUAGE plpgsql AS $$BEGIN
    NEW.full_name := NEW.name;
    RETURN NEW;
END$$;
CREATE FUNCTION trueup.seen_bbec0a38() RETURNS pg_catalog.trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$BEGIN
    PERFORM pg_catalog.nextval('trueup.writes_bbec0a38'), pg_catalog.setval('trueup.last_bbec0a38', pg_catalog.date_part('epoch', pg_catalog.clock_timestamp())::pg_catalog.int8);
    RETURN NEW;
END$$;
ALTER TABLE public.customers ADD COLUMN full_name text;
CREATE TRIGGER "!!trueup_seen_bbec0a38" BEFORE UPDATE ON public.customers FOR EACH ROW WHEN (pg_catalog.record_image_ne(ROW(OLD.name), ROW(NEW.name)) AND pg_catalog.record_image_eq(ROW(OLD.full_name), ROW(NEW.full_name))) EXECUTE FUNCTION trueup.seen_bbec0a38();
CREATE TRIGGER "!!trueup_seen_bbec0a38_new" BEFORE INSERT ON public.customers FOR EACH ROW WHEN (pg_catalog.record_image_ne(ROW(NEW.name), ROW(NULL::text)) AND pg_catalog.record_image_eq(ROW(NEW.full_name), ROW(NULL::text))) EXECUTE FUNCTION trueup.seen_bbec0a38();
CREATE TRIGGER "!trueup_sync_bbec0a38" BEFORE INSERT OR UPDATE ON public.customers FOR EACH ROW EXECUTE FUNCTION trueup.sync_bbec0a38();
CREATE TRIGGER "~trueup_mirror_bbec0a38" BEFORE INSERT OR UPDATE ON public.customers FOR EACH ROW WHEN (pg_catalog.record_image_ne(ROW(NEW.name), ROW(NEW.full_name))) EXECUTE FUNCTION trueup.mirror_bbec0a38();
ALTER TABLE public.customers ENABLE ALWAYS TRIGGER "!trueup_sync_bbec0a38";
ALTER TABLE public.customers ENABLE ALWAYS TRIGGER "~trueup_mirror_bbec0a38";
ALTER TABLE public.customers ADD CONSTRAINT trueup_equal_bbec0a38 CHECK (pg_catalog.record_image_eq(ROW(name), ROW(full_name))) NOT VALID;
COMMIT;

-- batch 2, outside any transaction
SET lock_timeout = 2000; SET statement_timeout = 30000;
-- step 2: fill column public.customers.full_name with what is in name
WITH visited (trueup_1) AS MATERIALIZED (
    SELECT id FROM ONLY public.customers
    WHERE ($1::pg_catalog.text[] IS NULL OR (id) > (($1::pg_catalog.text[])[1]::bigint)) AND (id) <= (($2::pg_catalog.text[])[1]::bigint)
    ORDER BY id LIMIT $3::pg_catalog.int8
), changed AS (
    UPDATE ONLY public.customers AS customers SET full_name = name
    WHERE ($1::pg_catalog.text[] IS NULL OR (customers.id) > (($1::pg_catalog.text[])[1]::bigint))
    AND (customers.id) <= (SELECT trueup_1 FROM visited ORDER BY trueup_1 DESC LIMIT 1)
    AND (pg_catalog.record_image_ne(ROW(name), ROW(full_name))) AND (name) IS NOT NULL
    RETURNING 1
)
SELECT (SELECT count(*) FROM visited), (SELECT count(*) FROM changed), (SELECT ARRAY[trueup_1::pg_catalog.text] FROM visited ORDER BY trueup_1 DESC LIMIT 1);

-- batch 3
BEGIN;
SET LOCAL lock_timeout = 2000; SET LOCAL statement_timeout = 0;
-- step 3: validate that name and full_name of public.customers are equal
ALTER TABLE public.customers VALIDATE CONSTRAINT trueup_equal_bbec0a38;
COMMIT;

-- batch 4
BEGIN;
SET LOCAL lock_timeout = 2000; SET LOCAL statement_timeout = 30000;
-- step 4: add column currency of public.orders
ALTER TABLE public.orders ADD COLUMN currency character(3) DEFAULT 'EUR'::bpchar NOT NULL;
COMMIT;

-- batch 5
BEGIN;
SET LOCAL lock_timeout = 800; SET LOCAL statement_timeout = 30000;
-- step 5: add constraint reviews_customer_id_fkey of public.reviews, not yet validated
ALTER TABLE public.reviews ADD CONSTRAINT reviews_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES public.customers(id) ON DELETE SET NULL NOT VALID;
COMMIT;

-- batch 6
BEGIN;
SET LOCAL lock_timeout = 2000; SET LOCAL statement_timeout = 0;
-- step 6: validate constraint reviews_customer_id_fkey of public.reviews
ALTER TABLE public.reviews VALIDATE CONSTRAINT reviews_customer_id_fkey;
COMMIT;

-- batch 7, outside any transaction
SET lock_timeout = 0; SET statement_timeout = 0;
-- step 7: create index public.reviews_customer_id_idx on table public.reviews
CREATE INDEX CONCURRENTLY reviews_customer_id_idx ON public.reviews USING btree (customer_id);

-- batch 8
BEGIN;
SET LOCAL lock_timeout = 2000; SET LOCAL statement_timeout = 30000;
-- step 8: comment on column public.orders.currency
COMMENT ON COLUMN public.orders.currency IS 'ISO 4217. Prices of variants are in EUR.';
COMMIT;

-- batch 9
BEGIN;
SET LOCAL lock_timeout = 2000; SET LOCAL statement_timeout = 30000;
-- step 9: alter view public.order_totals
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

-- ==== contract ====

-- step 10: on the way back, exchange name and full_name of public.customers

-- step 11: on the way back, validate that name and full_name of public.customers are equal

-- step 12: on the way back, fill column public.customers.name with what is in full_name

-- batch 13
BEGIN;
SET LOCAL lock_timeout = 2000; SET LOCAL statement_timeout = 30000;
-- step 13: rename column name of public.customers to full_name
DROP TRIGGER "!!trueup_seen_bbec0a38" ON public.customers;
DROP TRIGGER "!!trueup_seen_bbec0a38_new" ON public.customers;
DROP TRIGGER "!trueup_sync_bbec0a38" ON public.customers;
DROP TRIGGER "~trueup_mirror_bbec0a38" ON public.customers;
ALTER TABLE public.customers DROP CONSTRAINT trueup_equal_bbec0a38;
ALTER TABLE public.customers DROP COLUMN full_name;
DROP FUNCTION trueup.sync_bbec0a38();
DROP FUNCTION trueup.mirror_bbec0a38();
DROP FUNCTION trueup.seen_bbec0a38();
DROP SEQUENCE trueup.writes_bbec0a38;
DROP SEQUENCE trueup.last_bbec0a38;
ALTER TABLE public.customers RENAME COLUMN name TO full_name;
-- step 14: drop column fax of public.customers
ALTER TABLE public.customers DROP COLUMN fax;
COMMIT;
