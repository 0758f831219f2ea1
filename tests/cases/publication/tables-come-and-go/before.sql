CREATE TABLE a (id integer PRIMARY KEY, x text);
CREATE TABLE b (id integer PRIMARY KEY);
CREATE TABLE c (id integer PRIMARY KEY);
CREATE PUBLICATION news FOR TABLE a, c WITH (publish = 'insert');
CREATE PUBLICATION everything FOR ALL TABLES;
COMMENT ON PUBLICATION news IS 'what is new';
