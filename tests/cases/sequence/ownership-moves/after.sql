CREATE SEQUENCE numbers;
CREATE TABLE a (id bigint);
CREATE TABLE b (id bigint DEFAULT nextval('numbers'));
ALTER SEQUENCE numbers OWNED BY b.id;
