SELECT 'pg_collation'::regclass::oid, c.oid, 0, ARRAY[n.nspname::text, c.collname::text],
       json_build_object(
         'provider', CASE c.collprovider WHEN 'c' THEN 'libc' WHEN 'i' THEN 'icu' ELSE 'builtin' END,
         'locale', coalesce(to_jsonb(c)->>'colllocale', to_jsonb(c)->>'colliculocale',
                            CASE WHEN c.collprovider = 'i' THEN c.collcollate::text END),
         'lc_collate', CASE WHEN c.collprovider = 'c' THEN c.collcollate::text END,
         'lc_ctype', CASE WHEN c.collprovider = 'c' THEN c.collctype::text END,
         'deterministic', c.collisdeterministic,
         'rules', to_jsonb(c)->>'collicurules')
FROM pg_collation c
JOIN pg_namespace n ON n.oid = c.collnamespace
WHERE n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'trueup')
  AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = 'pg_collation'::regclass AND e.objid = c.oid AND e.deptype = 'e')
