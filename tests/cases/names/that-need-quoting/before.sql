CREATE SCHEMA "Schema with ""quotes"" and . dots";
CREATE TABLE "Schema with ""quotes"" and . dots"."Select" ("from" integer PRIMARY KEY, "a.b" text, "ÄÖ ü" text DEFAULT 'it''s \ "x"', "$1" integer, "it's" integer);
CREATE INDEX "Index.1" ON "Schema with ""quotes"" and . dots"."Select" ("a.b");
CREATE TYPE "Schema with ""quotes"" and . dots"."E num" AS ENUM ('a''b', 'c"d', '');
CREATE FUNCTION "Schema with ""quotes"" and . dots"."f(x)"("in" integer, "a b" "Schema with ""quotes"" and . dots"."E num") RETURNS integer LANGUAGE sql RETURN "in";
