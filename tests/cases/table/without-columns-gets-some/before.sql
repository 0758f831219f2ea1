CREATE TABLE nothing ();
CREATE TABLE one (a integer);
CREATE VIEW none AS SELECT FROM nothing;
