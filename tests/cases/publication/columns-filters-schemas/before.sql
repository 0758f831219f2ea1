CREATE SCHEMA app;
CREATE TABLE a (id integer PRIMARY KEY, x text, y text);
CREATE PUBLICATION news FOR TABLE a (id, x) WHERE (id > 10);
