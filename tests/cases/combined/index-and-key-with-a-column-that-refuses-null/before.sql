CREATE TABLE stock (a integer NOT NULL, b integer, CONSTRAINT stock_one UNIQUE (a));
CREATE INDEX stock_by ON stock (a);
