CREATE TABLE t (mail text NOT NULL DEFAULT 'x@y', n integer);
CREATE VIEW v AS SELECT mail FROM t;
