CREATE TABLE line (n integer NOT NULL, price numeric NOT NULL, total numeric GENERATED ALWAYS AS (n * price * 1.1) VIRTUAL, tax numeric GENERATED ALWAYS AS (price * 0.2) VIRTUAL, half numeric, net numeric GENERATED ALWAYS AS (n * price) VIRTUAL);
CREATE VIEW lines AS SELECT n, total, tax FROM line;
COMMENT ON COLUMN line.net IS 'before tax';
