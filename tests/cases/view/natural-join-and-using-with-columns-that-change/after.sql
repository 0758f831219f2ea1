CREATE TABLE a (k bigint, x varchar(9));
CREATE TABLE b (k bigint, y varchar(8));
CREATE VIEW v AS SELECT k, x, y FROM a NATURAL JOIN b;
CREATE VIEW w AS SELECT * FROM a JOIN b USING (k) WHERE x > ALL (SELECT y FROM v);
