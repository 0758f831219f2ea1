CREATE TABLE price (id integer, value numeric);
