CREATE TABLE line (n integer NOT NULL, price numeric NOT NULL, total numeric GENERATED ALWAYS AS (n * price) VIRTUAL, tax numeric GENERATED ALWAYS AS (price * 0.2) STORED, half numeric GENERATED ALWAYS AS (price / 2) VIRTUAL);
CREATE VIEW lines AS SELECT n, total FROM line;
