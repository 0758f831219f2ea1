CREATE TABLE a (id serial PRIMARY KEY, n serial);
CREATE VIEW v AS SELECT last_value FROM a_n_seq;
