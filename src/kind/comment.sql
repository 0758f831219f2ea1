-- the address is the target's; the path is found by it, or given for what is no object of its own: a view's column
SELECT d.classoid, d.objoid, d.objsubid,
       CASE WHEN d.objsubid > 0 THEN
              (SELECT ARRAY['column', n.nspname::text, c.relname::text, a.attname::text]
               FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = d.objsubid
               WHERE c.oid = d.objoid AND c.relkind IN ('r', 'p', 'v', 'm', 'c', 'f')
                 AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'trueup'))
            WHEN d.classoid = 'pg_class'::regclass THEN
              (SELECT ARRAY['index', n.nspname::text, c.relname::text]
               FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = d.objoid AND c.relkind IN ('i', 'I')
                 AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'trueup'))
            -- NOT NULL from 18 on
            WHEN d.classoid = 'pg_constraint'::regclass THEN
              (SELECT ARRAY['constraint', n.nspname::text, c.relname::text, k.conname::text]
               FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
               WHERE k.oid = d.objoid AND k.contype = 'n' AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'trueup'))
            END,
       json_build_object('text', d.description,
                         'foreign', d.classoid = 'pg_class'::regclass AND d.objsubid = 0
                                    AND EXISTS (SELECT FROM pg_foreign_table f WHERE f.ftrelid = d.objoid))
FROM pg_description d
LEFT JOIN pg_extension x ON d.classoid = 'pg_extension'::regclass AND x.oid = d.objoid
WHERE (d.objoid >= 16384 OR d.classoid = 'pg_namespace'::regclass AND d.objoid = 2200)
  -- what the extension says of itself comes with it
  AND (x.oid IS NULL OR d.description IS DISTINCT FROM (SELECT a.comment FROM pg_available_extensions a WHERE a.name = x.extname))
  -- and a new database of its schema
  AND (d.classoid, d.objoid, d.description) IS DISTINCT FROM ('pg_namespace'::regclass::oid, 2200::oid, 'standard public schema'::text)
  AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = d.classoid AND e.objid = d.objoid AND e.deptype = 'e')
