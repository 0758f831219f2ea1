-- The schema as it was yesterday: what the plan in plans/ starts from. What is wanted today is in schema/.

-- For the triggers of several tables: who changes a row changes its date.
CREATE FUNCTION touch_updated_at() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    NEW.updated_at := now();
    RETURN NEW;
END
$$;

-- Who buys, and where to send it.

CREATE TABLE customers (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    email      text NOT NULL CHECK (email LIKE '%_@_%'),
    name       text NOT NULL,
    phone      text,
    fax        text,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);

COMMENT ON TABLE customers IS 'Everyone who has an account, whether they ever ordered or not.';
COMMENT ON COLUMN customers.name IS 'As the customer wants to be addressed.';

CREATE UNIQUE INDEX customers_email_key ON customers (lower(email));

CREATE TABLE addresses (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    customer_id bigint NOT NULL REFERENCES customers ON DELETE CASCADE,
    line1       text NOT NULL,
    line2       text,
    postcode    text NOT NULL,
    city        text NOT NULL,
    country     char(2) NOT NULL CHECK (country = upper(country))
);

CREATE INDEX addresses_customer_id_idx ON addresses (customer_id);

CREATE TRIGGER customers_touch BEFORE UPDATE ON customers
    FOR EACH ROW EXECUTE FUNCTION touch_updated_at();
-- What there is to buy.

CREATE TABLE categories (
    id        integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    parent_id integer REFERENCES categories,
    slug      text NOT NULL UNIQUE CHECK (slug ~ '^[a-z0-9-]+$'),
    name      text NOT NULL
);

CREATE INDEX categories_parent_id_idx ON categories (parent_id);

CREATE TABLE products (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    category_id integer NOT NULL REFERENCES categories,
    name        text NOT NULL,
    description text NOT NULL DEFAULT '',
    published   boolean NOT NULL DEFAULT false,
    created_at  timestamptz NOT NULL DEFAULT now(),
    updated_at  timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX products_category_id_idx ON products (category_id) WHERE published;

COMMENT ON INDEX products_category_id_idx IS 'For the pages of the shop, which show published products only.';

-- What is put into a box: a product in one size and colour.
CREATE TABLE variants (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    product_id bigint NOT NULL REFERENCES products ON DELETE CASCADE,
    sku        text NOT NULL UNIQUE,
    size       text,
    colour     text,
    price      numeric(10, 2) NOT NULL CHECK (price >= 0)
);

CREATE INDEX variants_product_id_idx ON variants (product_id);

CREATE TABLE stock (
    variant_id bigint PRIMARY KEY REFERENCES variants ON DELETE CASCADE,
    on_hand    integer NOT NULL DEFAULT 0 CHECK (on_hand >= 0),
    reserved   integer NOT NULL DEFAULT 0,
    CONSTRAINT stock_reserved_check CHECK (reserved BETWEEN 0 AND on_hand)
);

COMMENT ON COLUMN stock.reserved IS 'Of those on hand: ordered and not sent yet.';

CREATE TRIGGER products_touch BEFORE UPDATE ON products
    FOR EACH ROW EXECUTE FUNCTION touch_updated_at();
-- What was bought, paid and sent.

CREATE TYPE order_status AS ENUM ('cart', 'placed', 'paid', 'sent', 'cancelled');

CREATE TABLE orders (
    id                  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    customer_id         bigint NOT NULL REFERENCES customers,
    shipping_address_id bigint REFERENCES addresses,
    status              order_status NOT NULL DEFAULT 'cart',
    placed_at           timestamptz,
    created_at          timestamptz NOT NULL DEFAULT now(),
    updated_at          timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT orders_placed_check CHECK (status = 'cart' OR placed_at IS NOT NULL)
);

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
-- What customers say of products.

CREATE TABLE reviews (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    product_id  bigint NOT NULL REFERENCES products ON DELETE CASCADE,
    customer_id bigint,
    rating      smallint NOT NULL CHECK (rating BETWEEN 1 AND 5),
    body        text NOT NULL DEFAULT '',
    created_at  timestamptz NOT NULL DEFAULT now()
);

COMMENT ON COLUMN reviews.customer_id IS 'NULL once the account is closed: the review stays.';

CREATE INDEX reviews_product_id_idx ON reviews (product_id, created_at DESC);
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
-- What the back office looks at.

CREATE VIEW order_totals AS
SELECT o.id AS order_id,
       o.customer_id,
       o.status,
       o.placed_at,
       sum(i.quantity) AS pieces,
       sum(i.quantity * i.unit_price) AS total
FROM orders o
JOIN order_items i ON i.order_id = o.id
GROUP BY o.id;

COMMENT ON VIEW order_totals IS 'Orders with anything in them.';

CREATE VIEW customer_sales AS
SELECT c.id AS customer_id,
       c.name AS customer,
       count(t.order_id) AS orders,
       coalesce(sum(t.total), 0) AS spent
FROM customers c
LEFT JOIN order_totals t ON t.customer_id = c.id AND t.status IN ('paid', 'sent')
GROUP BY c.id;

CREATE VIEW product_ratings AS
SELECT p.id AS product_id,
       p.name,
       round(avg(r.rating), 2) AS rating,
       count(r.id) AS reviews
FROM products p
LEFT JOIN reviews r ON r.product_id = p.id
GROUP BY p.id;
