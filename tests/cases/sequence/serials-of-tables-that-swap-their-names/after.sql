-- @renamed from=b
CREATE TABLE a (id serial NOT NULL, m integer NOT NULL);
-- @renamed from=a
CREATE TABLE b (id serial NOT NULL, n text NOT NULL);
