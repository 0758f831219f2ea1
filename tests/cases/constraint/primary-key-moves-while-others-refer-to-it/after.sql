CREATE TABLE p (id integer NOT NULL UNIQUE, code text PRIMARY KEY);
CREATE TABLE c (p integer REFERENCES p (id), n integer);
CREATE TABLE d (code text REFERENCES p);
