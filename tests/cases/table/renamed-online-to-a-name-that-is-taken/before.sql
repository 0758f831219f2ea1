CREATE TABLE a (id integer PRIMARY KEY, only_a text);
CREATE TABLE b (id integer PRIMARY KEY, only_b date);
