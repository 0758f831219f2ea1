CREATE SCHEMA "a schema ON";
CREATE TABLE "a schema ON"."a table (x)" (id integer, "a b" text);
CREATE INDEX "an index ON it" ON "a schema ON"."a table (x)" ("a b");
