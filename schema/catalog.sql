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
