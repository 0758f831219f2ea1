INSERT INTO "Schema with ""quotes"" and . dots"."Select" ("from", "a.b", "it's") VALUES (1, 'x', 1);
