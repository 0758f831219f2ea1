SELECT 'pg_type'::regclass::oid, t.oid, 0, ARRAY[n.nspname::text, t.typname::text],
       json_build_object(
         'base', format_type(t.typbasetype, t.typtypmod),
         'collation', (SELECT quote_ident(cn.nspname) || '.' || quote_ident(c.collname)
                       FROM pg_collation c JOIN pg_namespace cn ON cn.oid = c.collnamespace, pg_type b
                       WHERE c.oid = t.typcollation AND b.oid = t.typbasetype AND t.typcollation <> b.typcollation),
         'not_null', t.typnotnull)
FROM pg_type t
JOIN pg_namespace n ON n.oid = t.typnamespace
WHERE t.typtype = 'd' AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'trueup')
  AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = 'pg_type'::regclass AND e.objid = t.oid AND e.deptype = 'e')
