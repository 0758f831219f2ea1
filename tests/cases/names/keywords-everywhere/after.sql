CREATE TABLE "user" ("order" integer DEFAULT 3, "group" text NOT NULL CONSTRAINT "check" CHECK ("group" <> 'all'), CONSTRAINT "primary" PRIMARY KEY ("order"));
CREATE TABLE "table" ("column" integer CONSTRAINT "foreign" REFERENCES "user" ("order"));
CREATE VIEW "analyze" AS SELECT "order" AS "limit" FROM "user";
CREATE SEQUENCE "offset";
