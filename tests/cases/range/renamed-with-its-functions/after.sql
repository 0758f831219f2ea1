-- @renamed from=span
CREATE TYPE days AS RANGE (subtype = date);
CREATE TABLE t (s days, m "days_multirange");
CREATE VIEW v AS SELECT days('2020-01-01', lower(s)) AS s, "days_multirange"(s) AS m FROM t;
