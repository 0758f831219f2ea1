-- Who buys, and where to send it.

CREATE TABLE customers (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    email      text NOT NULL CHECK (email LIKE '%_@_%'),
    full_name  text NOT NULL,   -- @renamed from=name online
    phone      text,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);

COMMENT ON TABLE customers IS 'Everyone who has an account, whether they ever ordered or not.';
COMMENT ON COLUMN customers.full_name IS 'As the customer wants to be addressed.';

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
