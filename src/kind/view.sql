SELECT 'pg_class'::regclass::oid, c.oid, 0, ARRAY[n.nspname::text, c.relname::text],
       json_build_object(
         'definition', rtrim(pg_get_viewdef(c.oid), ';'),
         'columns', ARRAY(SELECT quote_ident(a.attname) || ' ' || format_type(a.atttypid, a.atttypmod) ||
                                 CASE WHEN a.attcollation <> 0 THEN ' ' || a.attcollation::regcollation::text ELSE '' END
                          FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum),
         'options', coalesce(c.reloptions, '{}'))
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'v' AND c.relpersistence <> 't' AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'trueup')
  AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = 'pg_class'::regclass AND e.objid = c.oid AND e.deptype = 'e')
