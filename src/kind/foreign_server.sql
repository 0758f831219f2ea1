SELECT 'pg_foreign_server'::regclass::oid, s.oid, 0, ARRAY[s.srvname::text],
       json_build_object('wrapper', w.fdwname, 'type', s.srvtype, 'version', s.srvversion, 'options', coalesce(s.srvoptions, '{}'))
FROM pg_foreign_server s
JOIN pg_foreign_data_wrapper w ON w.oid = s.srvfdw
WHERE NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = 'pg_foreign_server'::regclass AND e.objid = s.oid AND e.deptype = 'e')
