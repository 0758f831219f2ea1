CREATE TABLE price (
    id integer,
    -- @renamed from=pk2
    CONSTRAINT pk PRIMARY KEY (id),
    value numeric,
    -- @renamed from=non_negative
    CONSTRAINT positive CHECK (value >= 0)
);
