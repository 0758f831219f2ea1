-- both columns are there from 15 on; the view knows the filter of whatever is published under its own name
SELECT 'pg_publication_rel'::regclass::oid, r.oid, 0, ARRAY[n.nspname::text, c.relname::text, p.pubname::text],
       json_build_object(
         'columns', (SELECT json_agg(a.attname ORDER BY a.attnum) FROM pg_attribute a
                     WHERE a.attrelid = c.oid AND a.attnum = ANY ((to_jsonb(r) ->> 'prattrs')::int2vector)),
         'filter', to_jsonb(v) ->> 'rowfilter')
FROM pg_publication_rel r
JOIN pg_publication p ON p.oid = r.prpubid
JOIN pg_class c ON c.oid = r.prrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_publication_tables v ON v.pubname = p.pubname AND v.schemaname = n.nspname AND v.tablename = c.relname
WHERE n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'trueup')
  AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = 'pg_publication'::regclass AND e.objid = p.oid AND e.deptype = 'e')
