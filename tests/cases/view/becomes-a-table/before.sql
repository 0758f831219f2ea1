CREATE VIEW report AS SELECT 1 AS id, 'x'::text AS line;
