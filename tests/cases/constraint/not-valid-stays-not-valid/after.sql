CREATE TABLE price (id integer, value numeric);
ALTER TABLE price ADD CONSTRAINT later CHECK (value > 0) NOT VALID;
