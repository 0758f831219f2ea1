CREATE TABLE t (id int, a timestamp(3), b timestamptz(0), c interval(0), d numeric(6, -3), e time(1));
