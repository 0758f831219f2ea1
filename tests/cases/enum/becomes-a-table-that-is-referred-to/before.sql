CREATE TYPE kind AS ENUM ('a', 'b');
CREATE TABLE t (id integer PRIMARY KEY, k kind);
