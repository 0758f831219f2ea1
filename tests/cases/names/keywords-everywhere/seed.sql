INSERT INTO "user" VALUES (1, 'x'); INSERT INTO "table" VALUES (1);
