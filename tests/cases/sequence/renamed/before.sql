-- @renamed from=counter
CREATE SEQUENCE numbers;
CREATE TABLE a (id bigint DEFAULT nextval('numbers'));
