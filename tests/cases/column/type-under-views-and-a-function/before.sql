CREATE TABLE sample (id integer PRIMARY KEY, weight integer NOT NULL);
CREATE FUNCTION heavy(w integer) RETURNS boolean LANGUAGE sql IMMUTABLE RETURN w > 100;
CREATE VIEW scaled AS SELECT id, weight * 2 AS twice FROM sample;
CREATE VIEW top_ones AS SELECT id FROM scaled WHERE heavy(twice);
GRANT SELECT ON top_ones TO reader;
COMMENT ON COLUMN scaled.twice IS 'as they say';
