-- @renamed from=b online
CREATE TABLE a (id integer PRIMARY KEY, only_b date);
-- @renamed from=a online
CREATE TABLE b (id integer PRIMARY KEY, only_a text);
