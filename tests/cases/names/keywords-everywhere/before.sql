CREATE TABLE "user" ("order" integer, "group" text);
CREATE TABLE "table" ("column" integer);
