CREATE TABLE stock (
    id integer PRIMARY KEY,
    quantity bigint NOT NULL DEFAULT 1 -- @renamed from=amount
);
