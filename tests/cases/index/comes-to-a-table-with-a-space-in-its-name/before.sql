CREATE SCHEMA "a schema ON";
CREATE TABLE "a schema ON"."a table (x)" (id integer, "a b" text);
