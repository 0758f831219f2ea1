SELECT 'pg_event_trigger'::regclass::oid, t.oid, 0, ARRAY[t.evtname::text],
       json_build_object(
         'event', t.evtevent,
         'function', (SELECT quote_ident(n.nspname) || '.' || quote_ident(p.proname) FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE p.oid = t.evtfoid),
         'tags', coalesce(t.evttags, '{}'),
         'enabled', CASE t.evtenabled WHEN 'O' THEN 'origin' WHEN 'R' THEN 'replica' WHEN 'A' THEN 'always' ELSE 'disabled' END)
FROM pg_event_trigger t
WHERE t.evtfoid NOT IN (SELECT p.oid FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname = 'trueup')
  AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = 'pg_event_trigger'::regclass AND e.objid = t.oid AND e.deptype = 'e')
