CREATE TYPE e AS ENUM ('x', 'yy');
CREATE TABLE t (v e);
