SELECT 'pg_class'::regclass::oid, c.oid, 0, ARRAY[n.nspname::text, c.relname::text],
       json_build_object(
         'unlogged', c.relpersistence = 'u',
         'partition_by', CASE WHEN c.relkind = 'p' THEN pg_get_partkeydef(c.oid) END,
         'inherits', coalesce(up.parents, '[]'),
         'of_type', CASE WHEN c.reloftype <> 0 THEN format_type(c.reloftype, NULL) END,
         'row_security', c.relrowsecurity,
         'force_row_security', c.relforcerowsecurity,
         'replica_identity', CASE CASE c.relkind WHEN 'f' THEN 'd' ELSE c.relreplident END WHEN 'd' THEN 'default' WHEN 'f' THEN 'full' WHEN 'n' THEN 'nothing' ELSE 'index' END,
         'access_method', a.amname,
         'tablespace', s.spcname,
         'options', coalesce(c.reloptions, '{}'),
         'foreign', CASE WHEN c.relkind = 'f' THEN
                    (SELECT json_build_object('server', s.srvname, 'options', coalesce(f.ftoptions, '{}'))
                     FROM pg_foreign_table f JOIN pg_foreign_server s ON s.oid = f.ftserver WHERE f.ftrelid = c.oid) END)
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_am a ON a.oid = c.relam AND a.amname <> 'heap'
LEFT JOIN pg_tablespace s ON s.oid = c.reltablespace
LEFT JOIN (SELECT i.inhrelid, json_agg(ARRAY[pn.nspname::text, p.relname::text] ORDER BY i.inhseqno) AS parents
           FROM pg_inherits i JOIN pg_class p ON p.oid = i.inhparent JOIN pg_namespace pn ON pn.oid = p.relnamespace
           GROUP BY i.inhrelid) AS up ON up.inhrelid = c.oid AND NOT c.relispartition
WHERE c.relkind IN ('r', 'p', 'f') AND c.relpersistence <> 't' AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'trueup')
  AND c.oid NOT IN (SELECT e.objid FROM pg_depend e WHERE e.classid = 'pg_class'::regclass AND e.refclassid = 'pg_extension'::regclass AND e.deptype = 'e')
