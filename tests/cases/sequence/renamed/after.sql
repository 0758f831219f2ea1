-- @renamed from=numbers
CREATE SEQUENCE counter;
CREATE TABLE a (id bigint DEFAULT nextval('counter'));
