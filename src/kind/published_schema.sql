-- pg_publication_namespace is there from 15 on; what depends on what is known in any version
SELECT r.classid, r.objid, 0, ARRAY[n.nspname::text, p.pubname::text], json_build_object()
FROM pg_depend r
JOIN pg_publication p ON r.refclassid = 'pg_publication'::regclass AND p.oid = r.refobjid
JOIN pg_depend s ON s.classid = r.classid AND s.objid = r.objid AND s.refclassid = 'pg_namespace'::regclass
JOIN pg_namespace n ON n.oid = s.refobjid
WHERE r.classid = to_regclass('pg_catalog.pg_publication_namespace') AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'trueup')
  AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = 'pg_publication'::regclass AND e.objid = p.oid AND e.deptype = 'e')
