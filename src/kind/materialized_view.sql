SELECT 'pg_class'::regclass::oid, c.oid, 0, ARRAY[n.nspname::text, c.relname::text],
       json_build_object(
         'definition', rtrim(pg_get_viewdef(c.oid), ';'),
         'options', coalesce(c.reloptions, '{}'),
         'access_method', (SELECT a.amname FROM pg_am a WHERE a.oid = c.relam AND a.amname <> 'heap'),
         'tablespace', (SELECT s.spcname FROM pg_tablespace s WHERE s.oid = c.reltablespace))
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'm' AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'trueup')
  AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = 'pg_class'::regclass AND e.objid = c.oid AND e.deptype = 'e')
