CREATE TABLE s (h timestamp with time zone NOT NULL, key integer NOT NULL) PARTITION BY RANGE (key);
CREATE TABLE p PARTITION OF s DEFAULT;
CREATE INDEX eta ON s USING hash (((h IS NULL)));
COMMENT ON INDEX eta IS 'says 0';
