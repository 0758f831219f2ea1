-- @renamed from=s
CREATE SEQUENCE numbers START 100 CACHE 5;
CREATE TABLE t (a text DEFAULT 'N' || nextval('numbers'), b integer DEFAULT nextval('numbers'::regclass));
CREATE VIEW v AS SELECT currval('numbers') AS c;
