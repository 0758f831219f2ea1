SELECT 'pg_constraint'::regclass::oid, k.oid, 0, ARRAY[n.nspname::text, t.typname::text, k.conname::text],
       json_build_object('condition', pg_get_expr(k.conbin, 0), 'validated', k.convalidated)
FROM pg_constraint k
JOIN pg_type t ON t.oid = k.contypid
JOIN pg_namespace n ON n.oid = t.typnamespace
WHERE k.contype = 'c' AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'trueup')
  AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = 'pg_type'::regclass AND e.objid = t.oid AND e.deptype = 'e')
