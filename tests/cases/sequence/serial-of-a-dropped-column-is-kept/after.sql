CREATE SEQUENCE a_n_seq AS integer;
CREATE TABLE a (id serial PRIMARY KEY);
CREATE VIEW v AS SELECT last_value FROM a_n_seq;
