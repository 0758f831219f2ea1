CREATE TABLE point3 (
    x integer, -- @renamed from=y
    y integer  -- @renamed from=x
);
