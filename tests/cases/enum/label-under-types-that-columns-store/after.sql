CREATE TYPE unit AS ENUM ('mg', 'g', 'kg');
CREATE DOMAIN metric AS unit CHECK (VALUE <> 'kg');
CREATE TYPE amount AS (value numeric, unit unit);
CREATE TYPE crate AS (amounts amount[], tare amount);
CREATE TABLE stock (id integer PRIMARY KEY, unit unit, metric metric, amount amount, crates crate[], spare unit[]);
CREATE VIEW heavy AS SELECT id, (amount).value FROM stock WHERE (amount).unit = 'kg';
CREATE VIEW every_unit AS SELECT id, unit, spare FROM stock;
