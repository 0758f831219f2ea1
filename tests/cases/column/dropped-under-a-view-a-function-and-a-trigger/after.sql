CREATE TABLE person (id integer PRIMARY KEY, name text);
CREATE VIEW contact AS SELECT id, name FROM person;
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE TRIGGER t AFTER UPDATE OF name ON person FOR EACH ROW EXECUTE FUNCTION note();
CREATE INDEX person_fax ON person (name);
