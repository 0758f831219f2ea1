CREATE TABLE log (region text NOT NULL, at integer NOT NULL) PARTITION BY LIST (region);
CREATE TABLE log_north PARTITION OF log FOR VALUES IN ('no');
CREATE TABLE log_rest PARTITION OF log DEFAULT;
CREATE INDEX log_at ON log (at);
