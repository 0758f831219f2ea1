CREATE SCHEMA other;
CREATE TABLE stays (id int);
