CREATE SEQUENCE all_ids;
CREATE TABLE a (id bigint PRIMARY KEY DEFAULT nextval('all_ids'));
CREATE TABLE b (id bigint PRIMARY KEY DEFAULT nextval('all_ids'));
GRANT USAGE ON SEQUENCE all_ids TO writer;
