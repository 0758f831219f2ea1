CREATE TABLE a (k integer, x text, gone text);
CREATE TABLE b (k integer, y text, gone text);
CREATE VIEW v AS SELECT k, x, y FROM a NATURAL JOIN b;
CREATE VIEW w AS SELECT * FROM a JOIN b USING (k, gone) WHERE x > ALL (SELECT y FROM v);
