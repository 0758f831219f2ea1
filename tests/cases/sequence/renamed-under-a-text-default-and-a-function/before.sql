CREATE SEQUENCE s START 100;
CREATE TABLE t (a text DEFAULT 'N' || nextval('s'), b integer DEFAULT nextval('s'::regclass));
CREATE VIEW v AS SELECT currval('s') AS c;
