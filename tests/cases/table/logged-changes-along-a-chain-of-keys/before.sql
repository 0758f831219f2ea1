CREATE TABLE a (id integer PRIMARY KEY);
CREATE TABLE b (id integer PRIMARY KEY, a integer REFERENCES a);
CREATE TABLE c (id serial PRIMARY KEY, b integer REFERENCES b);
CREATE INDEX c_b ON c (b);
