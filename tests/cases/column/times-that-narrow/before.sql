CREATE TABLE t (id int, a timestamp, b timestamptz(6), c interval(3), d numeric(6, -2), e time);
