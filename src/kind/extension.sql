SELECT 'pg_extension'::regclass::oid, e.oid, 0, ARRAY[e.extname::text],
       json_build_object('schema', n.nspname, 'relocatable', e.extrelocatable,
                         'version', json_build_object('installed', e.extversion))
FROM pg_extension e
JOIN pg_namespace n ON n.oid = e.extnamespace
WHERE e.extname <> 'plpgsql'
