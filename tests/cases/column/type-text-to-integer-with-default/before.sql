CREATE TABLE meter (id integer, reading text NOT NULL DEFAULT '0', CONSTRAINT long CHECK (reading <> ''));
CREATE INDEX meter_reading ON meter (reading text_pattern_ops);
