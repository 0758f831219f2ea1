CREATE TABLE kind (name text PRIMARY KEY);
CREATE TABLE t (id integer PRIMARY KEY, k text REFERENCES kind);
