CREATE TABLE price (id integer, value numeric, CONSTRAINT not_negative CHECK (value >= 0));
