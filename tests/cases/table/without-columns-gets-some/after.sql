CREATE TABLE nothing (a integer, b text);
CREATE TABLE one ();
CREATE VIEW none AS SELECT a FROM nothing;
