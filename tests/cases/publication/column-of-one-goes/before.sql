CREATE TABLE t (id integer PRIMARY KEY, a integer, gone text);
CREATE PUBLICATION p FOR TABLE t (id, gone) WHERE (gone <> '');
CREATE PUBLICATION q FOR ALL TABLES;
