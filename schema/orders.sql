-- What was bought, paid and sent.

CREATE TYPE order_status AS ENUM ('cart', 'placed', 'paid', 'sent', 'cancelled');

CREATE TABLE orders (
    id                  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    customer_id         bigint NOT NULL REFERENCES customers,
    shipping_address_id bigint REFERENCES addresses,
    status              order_status NOT NULL DEFAULT 'cart',
    currency            char(3) NOT NULL DEFAULT 'EUR',
    placed_at           timestamptz,
    created_at          timestamptz NOT NULL DEFAULT now(),
    updated_at          timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT orders_placed_check CHECK (status = 'cart' OR placed_at IS NOT NULL)
);

COMMENT ON COLUMN orders.currency IS 'ISO 4217. Prices of variants are in EUR.';

CREATE INDEX orders_customer_id_idx ON orders (customer_id, placed_at DESC);
CREATE INDEX orders_shipping_address_id_idx ON orders (shipping_address_id);

CREATE TABLE order_items (
    order_id   bigint NOT NULL REFERENCES orders ON DELETE CASCADE,
    variant_id bigint NOT NULL REFERENCES variants,
    quantity   integer NOT NULL CHECK (quantity > 0),
    unit_price numeric(10, 2) NOT NULL,
    PRIMARY KEY (order_id, variant_id)
);

COMMENT ON COLUMN order_items.unit_price IS 'The price of the day: later changes of variants.price do not reach it.';

CREATE INDEX order_items_variant_id_idx ON order_items (variant_id);

CREATE TABLE payments (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    order_id   bigint NOT NULL REFERENCES orders,
    amount     numeric(10, 2) NOT NULL CHECK (amount > 0),
    method     text NOT NULL CHECK (method IN ('card', 'transfer', 'voucher')),
    reference  text UNIQUE,
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX payments_order_id_idx ON payments (order_id);

CREATE TABLE shipments (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    order_id   bigint NOT NULL REFERENCES orders,
    carrier    text NOT NULL,
    tracking   text,
    sent_at    timestamptz NOT NULL DEFAULT now(),
    arrived_at timestamptz,
    CONSTRAINT shipments_arrived_check CHECK (arrived_at >= sent_at)
);

CREATE INDEX shipments_order_id_idx ON shipments (order_id);

CREATE TRIGGER orders_touch BEFORE UPDATE ON orders
    FOR EACH ROW EXECUTE FUNCTION touch_updated_at();
