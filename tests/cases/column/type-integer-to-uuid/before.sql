CREATE TABLE doc (id integer, v text);
CREATE VIEW docs AS SELECT id FROM doc;
