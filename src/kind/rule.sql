SELECT 'pg_rewrite'::regclass::oid, r.oid, 0, ARRAY[n.nspname::text, c.relname::text, r.rulename::text],
       json_build_object('definition', rtrim(pg_get_ruledef(r.oid), ';'), 'on_view', c.relkind = 'v',
                         'enabled', CASE r.ev_enabled WHEN 'O' THEN 'origin' WHEN 'R' THEN 'replica' WHEN 'A' THEN 'always' ELSE 'disabled' END)
FROM pg_rewrite r
JOIN pg_class c ON c.oid = r.ev_class
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE r.rulename <> '_RETURN' AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'trueup')
  AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = 'pg_class'::regclass AND e.objid = c.oid AND e.deptype = 'e')
