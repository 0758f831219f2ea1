CREATE TABLE shown (id integer PRIMARY KEY, v text);
CREATE VIEW live AS SELECT id, v FROM shown;
