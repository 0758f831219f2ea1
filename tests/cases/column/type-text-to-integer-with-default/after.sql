CREATE TABLE meter (id integer, reading integer NOT NULL DEFAULT 0, CONSTRAINT long CHECK (reading > -1));
CREATE INDEX meter_reading ON meter (reading);
