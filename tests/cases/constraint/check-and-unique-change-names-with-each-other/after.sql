CREATE TABLE t (a integer, b integer, CONSTRAINT y CHECK (a > 0), CONSTRAINT x UNIQUE (b));
CREATE TABLE u (b integer REFERENCES t (b));
