CREATE TABLE stock (a integer NOT NULL, b integer NOT NULL, CONSTRAINT stock_one UNIQUE (a, b));
CREATE INDEX stock_by ON stock (a, b);
