CREATE TABLE stock (
    id integer PRIMARY KEY,
    amount integer DEFAULT 0 -- @renamed from=quantity
);
