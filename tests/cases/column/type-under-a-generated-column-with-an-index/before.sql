CREATE TABLE box (id integer PRIMARY KEY, w integer NOT NULL, h integer NOT NULL, area bigint GENERATED ALWAYS AS (w::bigint * h) STORED NOT NULL, CONSTRAINT big CHECK (area > 0));
CREATE INDEX box_area ON box (area) INCLUDE (w) WHERE area > 10;
CREATE INDEX box_sum ON box ((w + h));
CREATE STATISTICS box_stat ON w, h FROM box;
CREATE VIEW wide AS SELECT id, area FROM box WHERE w > h;
COMMENT ON COLUMN box.area IS 'w times h';
GRANT SELECT (area) ON box TO reader;
