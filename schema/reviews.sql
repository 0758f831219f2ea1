-- What customers say of products.

CREATE TABLE reviews (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    product_id  bigint NOT NULL REFERENCES products ON DELETE CASCADE,
    customer_id bigint REFERENCES customers ON DELETE SET NULL,
    rating      smallint NOT NULL CHECK (rating BETWEEN 1 AND 5),
    body        text NOT NULL DEFAULT '',
    created_at  timestamptz NOT NULL DEFAULT now()
);

COMMENT ON COLUMN reviews.customer_id IS 'NULL once the account is closed: the review stays.';

CREATE INDEX reviews_product_id_idx ON reviews (product_id, created_at DESC);
CREATE INDEX reviews_customer_id_idx ON reviews (customer_id);
