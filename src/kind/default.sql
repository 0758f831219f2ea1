SELECT 'pg_attrdef'::regclass::oid, d.oid, 0, ARRAY[n.nspname::text, c.relname::text, a.attname::text],
       json_build_object('expression', pg_get_expr(d.adbin, d.adrelid))
FROM pg_attrdef d
JOIN pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum AND NOT a.attisdropped AND a.attgenerated = ''
JOIN pg_class c ON c.oid = d.adrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relpersistence <> 't' AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'trueup') AND c.relkind IN ('r', 'p', 'v', 'f')
  AND c.oid NOT IN (SELECT e.objid FROM pg_depend e WHERE e.classid = 'pg_class'::regclass AND e.refclassid = 'pg_extension'::regclass AND e.deptype = 'e')
