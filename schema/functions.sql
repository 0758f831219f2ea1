-- For the triggers of several tables: who changes a row changes its date.
CREATE FUNCTION touch_updated_at() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    NEW.updated_at := now();
    RETURN NEW;
END
$$;

CREATE FUNCTION order_total(wanted bigint) RETURNS numeric
LANGUAGE sql STABLE AS $$
    SELECT coalesce(sum(quantity * unit_price), 0) FROM order_items WHERE order_id = wanted
$$;

-- Sets pieces of a variant aside, or says that there are too few.
CREATE FUNCTION reserve_stock(wanted bigint, pieces integer) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
    UPDATE stock SET reserved = reserved + pieces
    WHERE variant_id = wanted AND on_hand - reserved >= pieces;
    RETURN FOUND;
END
$$;

COMMENT ON FUNCTION reserve_stock(bigint, integer) IS 'True: they are set aside. False: nothing has changed.';
