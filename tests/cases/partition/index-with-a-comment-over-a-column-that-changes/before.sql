CREATE TABLE ev (id integer NOT NULL, what boolean) PARTITION BY RANGE (id);
CREATE TABLE ev_1 PARTITION OF ev FOR VALUES FROM (0) TO (100) PARTITION BY RANGE (id);
CREATE TABLE ev_2 PARTITION OF ev_1 FOR VALUES FROM (0) TO (100);
CREATE INDEX ev_what ON ev (what);
COMMENT ON INDEX ev_what IS 'said of the whole';
CREATE INDEX ev_2_own ON ev_2 (id, what);
COMMENT ON INDEX ev_2_own IS 'said of the part';
