SELECT 'pg_foreign_data_wrapper'::regclass::oid, w.oid, 0, ARRAY[w.fdwname::text],
       json_build_object('handler', CASE WHEN w.fdwhandler <> 0 THEN w.fdwhandler::regproc::text END,
                         'validator', CASE WHEN w.fdwvalidator <> 0 THEN w.fdwvalidator::regproc::text END,
                         'options', coalesce(w.fdwoptions, '{}'))
FROM pg_foreign_data_wrapper w
WHERE NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = 'pg_foreign_data_wrapper'::regclass AND e.objid = w.oid AND e.deptype = 'e')
