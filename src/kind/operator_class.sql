SELECT 'pg_opclass'::regclass::oid, c.oid, 0, ARRAY[n.nspname::text, c.opcname::text, a.amname::text],
       json_build_object(
         'default', c.opcdefault, 'type', format_type(c.opcintype, NULL),
         'family', (SELECT format('%I.%I', fn.nspname, f.opfname) FROM pg_opfamily f JOIN pg_namespace fn ON fn.oid = f.opfnamespace WHERE f.oid = c.opcfamily),
         'storage', CASE WHEN c.opckeytype <> 0 THEN format_type(c.opckeytype, NULL) END,
         'members', coalesce((SELECT json_agg(m.item ORDER BY m.sort, m.number, m.item) FROM (
           SELECT 1 AS sort, o.amopstrategy AS number,
                  format('OPERATOR %s %s%s', o.amopstrategy, o.amopopr::regoperator,
                         (SELECT format(' FOR ORDER BY %I.%I', sn.nspname, s.opfname)
                          FROM pg_opfamily s JOIN pg_namespace sn ON sn.oid = s.opfnamespace WHERE s.oid = o.amopsortfamily)) AS item
           FROM pg_depend d JOIN pg_amop o ON o.oid = d.objid
           WHERE d.classid = 'pg_amop'::regclass AND d.refclassid = 'pg_opclass'::regclass AND d.refobjid = c.oid
           UNION ALL
           SELECT 2, p.amprocnum,
                  format('FUNCTION %s (%s, %s) %s', p.amprocnum, format_type(p.amproclefttype, NULL), format_type(p.amprocrighttype, NULL), p.amproc::regprocedure)
           FROM pg_depend d JOIN pg_amproc p ON p.oid = d.objid
           WHERE d.classid = 'pg_amproc'::regclass AND d.refclassid = 'pg_opclass'::regclass AND d.refobjid = c.oid
         ) AS m), '[]'))
FROM pg_opclass c
JOIN pg_namespace n ON n.oid = c.opcnamespace
JOIN pg_am a ON a.oid = c.opcmethod
WHERE n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'trueup')
  AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = 'pg_opclass'::regclass AND e.objid = c.oid AND e.deptype = 'e')
