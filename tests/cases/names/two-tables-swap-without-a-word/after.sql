CREATE TABLE a (id integer PRIMARY KEY, only_b date);
CREATE TABLE b (id integer PRIMARY KEY, only_a text);
CREATE VIEW va AS SELECT id, only_a FROM b;
