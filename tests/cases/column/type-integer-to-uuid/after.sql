CREATE TABLE doc (id uuid, v text);
CREATE VIEW docs AS SELECT id FROM doc;
