CREATE SCHEMA other;
CREATE TABLE ship (id int PRIMARY KEY, a int, b text);
CREATE STATISTICS other.together (ndistinct) ON a, substring(b FROM 2) FROM ship;
CREATE TABLE stays (id int);
