CREATE TABLE t (a integer, b integer, CONSTRAINT x CHECK (a > 0), CONSTRAINT y UNIQUE (b));
CREATE TABLE u (b integer REFERENCES t (b));
