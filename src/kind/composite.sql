SELECT 'pg_type'::regclass::oid, t.oid, 0, ARRAY[n.nspname::text, t.typname::text],
       json_build_object('attributes', coalesce(
         (SELECT json_agg(json_build_object(
                   'name', a.attname,
                   'type', format_type(a.atttypid, a.atttypmod) || coalesce(
                     (SELECT ' COLLATE ' || quote_ident(cn.nspname) || '.' || quote_ident(c.collname)
                      FROM pg_collation c JOIN pg_namespace cn ON cn.oid = c.collnamespace, pg_type b
                      WHERE c.oid = a.attcollation AND b.oid = a.atttypid AND a.attcollation <> b.typcollation), ''))
                 ORDER BY a.attnum)
          FROM pg_attribute a WHERE a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped), '[]'))
FROM pg_type t
JOIN pg_class r ON r.oid = t.typrelid AND r.relkind = 'c'
JOIN pg_namespace n ON n.oid = t.typnamespace
WHERE t.typtype = 'c' AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'trueup')
  AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = 'pg_type'::regclass AND e.objid = t.oid AND e.deptype = 'e')
