SELECT 'pg_class'::regclass::oid, t.oid, 0, ARRAY[n.nspname::text, c.relname::text],
       json_build_object(
         'options', ARRAY(SELECT 'toast.' || o FROM unnest(t.reloptions) AS o),
         'on_materialized_view', c.relkind = 'm',
         'columns', ARRAY(SELECT a.attname::text FROM pg_attribute a
                          WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attstorage <> 'p'))
FROM pg_class t
JOIN pg_class c ON c.reltoastrelid = t.oid
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE t.relkind = 't' AND t.reloptions IS NOT NULL AND c.relkind IN ('r', 'm') AND c.relpersistence <> 't'
  AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'trueup')
  AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = 'pg_class'::regclass AND e.objid = c.oid AND e.deptype = 'e')
