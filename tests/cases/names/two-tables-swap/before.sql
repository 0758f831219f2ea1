CREATE TABLE a (id integer PRIMARY KEY, only_a text);
CREATE TABLE b (id integer PRIMARY KEY, only_b date);
CREATE VIEW va AS SELECT id, only_a FROM a;
CREATE TABLE r (to_a integer REFERENCES a);
