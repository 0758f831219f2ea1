CREATE TYPE span AS RANGE (subtype = date);
CREATE TABLE t (s span, m span_multirange);
CREATE VIEW v AS SELECT span('2020-01-01', lower(s)) AS s, span_multirange(s) AS m FROM t;
