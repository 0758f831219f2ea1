SELECT 'pg_publication'::regclass::oid, p.oid, 0, ARRAY[p.pubname::text],
       json_build_object(
         'all_tables', p.puballtables,
         'publish', array_to_string(array_remove(ARRAY[CASE WHEN p.pubinsert THEN 'insert' END, CASE WHEN p.pubupdate THEN 'update' END,
                                                       CASE WHEN p.pubdelete THEN 'delete' END, CASE WHEN p.pubtruncate THEN 'truncate' END], NULL), ', '),
         'via_root', p.pubviaroot,
         'generated_columns', CASE to_jsonb(p) ->> 'pubgencols' WHEN 's' THEN 'stored' WHEN 'n' THEN 'none' END)
FROM pg_publication p
WHERE NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = 'pg_publication'::regclass AND e.objid = p.oid AND e.deptype = 'e')
