CREATE TABLE a (id serial NOT NULL, n text NOT NULL);
CREATE TABLE b (id serial NOT NULL, m integer NOT NULL);
