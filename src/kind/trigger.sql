SELECT 'pg_trigger'::regclass::oid, t.oid, 0, ARRAY[n.nspname::text, c.relname::text, t.tgname::text],
       json_build_object('definition', pg_get_triggerdef(t.oid), 'constraint', t.tgconstraint <> 0, 'on_view', c.relkind = 'v',
                         -- pg_trigger.h: TRIGGER_TYPE_UPDATE
                         'on_update', t.tgtype & 16 <> 0,
                         'update_of', ARRAY(SELECT (SELECT a.attname::text FROM pg_attribute a WHERE a.attrelid = t.tgrelid AND a.attnum = u.attnum)
                                            FROM unnest(t.tgattr::int2[]) WITH ORDINALITY AS u(attnum, at) ORDER BY u.at),
                         'enabled', CASE t.tgenabled WHEN 'O' THEN 'origin' WHEN 'R' THEN 'replica' WHEN 'A' THEN 'always' ELSE 'disabled' END)
FROM pg_trigger t
JOIN pg_class c ON c.oid = t.tgrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE NOT t.tgisinternal AND t.tgparentid = 0 AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'trueup')
  AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = 'pg_class'::regclass AND e.objid = c.oid AND e.deptype = 'e')
  AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = 'pg_trigger'::regclass AND e.objid = t.oid AND e.deptype = 'e')
