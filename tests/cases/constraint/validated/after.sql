CREATE TABLE price (id integer, value numeric, CONSTRAINT later CHECK (value > 0));
