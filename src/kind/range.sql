SELECT 'pg_type'::regclass::oid, t.oid, 0, ARRAY[n.nspname::text, t.typname::text],
       json_build_object(
         'subtype', format_type(r.rngsubtype, NULL),
         'operator_class', (SELECT quote_ident(cn.nspname) || '.' || quote_ident(c.opcname)
                            FROM pg_opclass c JOIN pg_namespace cn ON cn.oid = c.opcnamespace
                            WHERE c.oid = r.rngsubopc AND NOT c.opcdefault),
         'collation', (SELECT quote_ident(cn.nspname) || '.' || quote_ident(c.collname)
                       FROM pg_collation c JOIN pg_namespace cn ON cn.oid = c.collnamespace, pg_type b
                       WHERE c.oid = r.rngcollation AND b.oid = r.rngsubtype AND r.rngcollation <> b.typcollation),
         'canonical', (SELECT quote_ident(pn.nspname) || '.' || quote_ident(p.proname)
                       FROM pg_proc p JOIN pg_namespace pn ON pn.oid = p.pronamespace WHERE p.oid = r.rngcanonical::oid),
         'difference', (SELECT quote_ident(pn.nspname) || '.' || quote_ident(p.proname)
                        FROM pg_proc p JOIN pg_namespace pn ON pn.oid = p.pronamespace WHERE p.oid = r.rngsubdiff::oid),
         'multirange', (SELECT m.typname FROM pg_type m WHERE m.oid = r.rngmultitypid))
FROM pg_type t
JOIN pg_range r ON r.rngtypid = t.oid
JOIN pg_namespace n ON n.oid = t.typnamespace
WHERE n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'trueup')
  AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = 'pg_type'::regclass AND e.objid = t.oid AND e.deptype = 'e')
