CREATE TABLE t (h integer NOT NULL, l integer NOT NULL, m integer);
ALTER TABLE t ADD CONSTRAINT two PRIMARY KEY (h);
