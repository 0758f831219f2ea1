CREATE TABLE person (id integer PRIMARY KEY, name text, fax text);
CREATE VIEW contact AS SELECT id, name, fax FROM person;
CREATE VIEW contact_fax AS SELECT fax FROM contact;
CREATE FUNCTION fax_of(person) RETURNS text LANGUAGE sql STABLE RETURN $1.fax;
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE TRIGGER t AFTER UPDATE OF name, fax ON person FOR EACH ROW EXECUTE FUNCTION note();
CREATE INDEX person_fax ON person (name, fax);
