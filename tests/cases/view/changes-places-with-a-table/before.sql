CREATE TABLE live (id integer PRIMARY KEY, v text);
CREATE VIEW shown AS SELECT id, v FROM live;
