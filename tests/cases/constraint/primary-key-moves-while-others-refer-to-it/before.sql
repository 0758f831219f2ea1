CREATE TABLE p (id integer PRIMARY KEY, code text NOT NULL UNIQUE);
CREATE TABLE c (p integer REFERENCES p, n integer);
CREATE TABLE d (code text REFERENCES p (code));
