SELECT 'pg_type'::regclass::oid, t.oid, -1, ARRAY[n.nspname::text, t.typname::text],
       json_build_object('expression', coalesce(pg_get_expr(t.typdefaultbin, 'pg_type'::regclass), t.typdefault))
FROM pg_type t
JOIN pg_namespace n ON n.oid = t.typnamespace
WHERE t.typtype = 'd' AND t.typdefault IS NOT NULL AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'trueup')
  AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = 'pg_type'::regclass AND e.objid = t.oid AND e.deptype = 'e')
