CREATE TABLE price (
    id integer,
    -- @renamed from=pk
    CONSTRAINT pk2 PRIMARY KEY (id),
    value numeric,
    -- @renamed from=positive
    CONSTRAINT non_negative CHECK (value >= 0)
);
