CREATE TYPE address AS (street text, since date, "zip code" text);
CREATE DOMAIN addresses AS address[] DEFAULT '{}';
CREATE TABLE person (id int PRIMARY KEY, lives addresses DEFAULT '{}' NOT NULL);
