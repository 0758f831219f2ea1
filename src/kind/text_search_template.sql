SELECT 'pg_ts_template'::regclass::oid, t.oid, 0, ARRAY[n.nspname::text, t.tmplname::text],
       json_build_object('functions', array_remove(ARRAY[
           CASE WHEN t.tmplinit::oid <> 0 THEN 'INIT = ' || t.tmplinit END,
           CASE WHEN t.tmpllexize::oid <> 0 THEN 'LEXIZE = ' || t.tmpllexize END], NULL))
FROM pg_ts_template t
JOIN pg_namespace n ON n.oid = t.tmplnamespace
WHERE n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'trueup')
  AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = 'pg_ts_template'::regclass AND e.objid = t.oid AND e.deptype = 'e')
