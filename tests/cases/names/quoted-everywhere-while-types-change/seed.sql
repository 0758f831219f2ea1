INSERT INTO "My Schema.x"."order" VALUES (1, 'Ä', 3, 'x');
