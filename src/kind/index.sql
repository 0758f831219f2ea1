SELECT 'pg_class'::regclass::oid, c.oid, 0, ARRAY[n.nspname::text, c.relname::text],
       json_build_object(
         'table', ARRAY[tn.nspname::text, t.relname::text],
         'on_materialized_view', t.relkind = 'm',
         'unique', x.indisunique,
         'partitioned', c.relkind = 'I',
         'valid', x.indisvalid OR c.relkind = 'I',
         'clustered', x.indisclustered,
         'replica_identity', x.indisreplident,
         'options', coalesce(c.reloptions, '{}'),
         -- only expressions have a target
         'statistics', coalesce(CASE WHEN x.indexprs IS NOT NULL THEN
                                  (SELECT json_agg(json_build_array(a.attnum, a.attstattarget) ORDER BY a.attnum)
                                   FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attstattarget >= 0) END, '[]'),
         'tablespace', s.spcname,
         'position', (SELECT count(*) FROM pg_index y WHERE y.indrelid = x.indrelid AND y.indexrelid < x.indexrelid),
         'using', b.using, 'nulls_not_distinct', b.nulls_not_distinct, 'predicate', b.predicate, 'shape', b.shape)
FROM pg_index x
JOIN index_body b USING (indexrelid)
JOIN pg_class c ON c.oid = x.indexrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_class t ON t.oid = x.indrelid
JOIN pg_namespace tn ON tn.oid = t.relnamespace
LEFT JOIN pg_tablespace s ON s.oid = c.reltablespace
WHERE t.relkind IN ('r', 'p', 'm') AND t.relpersistence <> 't'
  AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'trueup')
  AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = c.oid AND k.contype IN ('p', 'u', 'x'))
  AND c.oid NOT IN (SELECT e.objid FROM pg_depend e WHERE e.classid = 'pg_class'::regclass AND e.refclassid = 'pg_extension'::regclass AND e.deptype = 'e')
  AND t.oid NOT IN (SELECT e.objid FROM pg_depend e WHERE e.classid = 'pg_class'::regclass AND e.refclassid = 'pg_extension'::regclass AND e.deptype = 'e')
