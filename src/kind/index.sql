SELECT 'pg_class'::regclass::oid, c.oid, 0, ARRAY[n.nspname::text, c.relname::text],
       json_build_object(
         'definition', CASE WHEN c.reloptions IS NULL THEN pg_get_indexdef(c.oid) ELSE
                         -- the parameters are compared one by one; PostgreSQL prints them right before TABLESPACE or WHERE
                         replace(pg_get_indexdef(c.oid),
                                 ' WITH (' || (SELECT string_agg(quote_ident(split_part(o, '=', 1)) || '=' ||
                                     CASE WHEN quote_ident(substr(o, strpos(o, '=') + 1)) = substr(o, strpos(o, '=') + 1)
                                          THEN substr(o, strpos(o, '=') + 1) ELSE quote_literal(substr(o, strpos(o, '=') + 1)) END, ', ' ORDER BY at)
                                   FROM unnest(c.reloptions) WITH ORDINALITY AS u(o, at)) || ')', '') END,
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
         'computed', x.indexprs IS NOT NULL OR x.indpred IS NOT NULL)
FROM pg_index x
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
