-- @renamed from=b
CREATE TABLE a (id integer PRIMARY KEY, only_b date);
-- @renamed from=a
CREATE TABLE b (id integer PRIMARY KEY, only_a text);
CREATE VIEW va AS SELECT id, only_a FROM b;
CREATE TABLE r (to_a integer REFERENCES b);
