SELECT 'pg_opfamily'::regclass::oid, f.oid, 0, ARRAY[n.nspname::text, f.opfname::text, a.amname::text],
       json_build_object('members', coalesce((SELECT json_agg(json_build_object('add', m.add, 'drop', m.drop)) FROM (
           SELECT format('OPERATOR %s %s%s', o.amopstrategy, o.amopopr::regoperator,
                         (SELECT format(' FOR ORDER BY %I.%I', sn.nspname, s.opfname)
                          FROM pg_opfamily s JOIN pg_namespace sn ON sn.oid = s.opfnamespace WHERE s.oid = o.amopsortfamily)) AS add,
                  format('OPERATOR %s (%s, %s)', o.amopstrategy, format_type(o.amoplefttype, NULL), format_type(o.amoprighttype, NULL)) AS drop
           FROM pg_amop o
           WHERE o.amopfamily = f.oid
             AND EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_amop'::regclass AND d.objid = o.oid AND d.refclassid = 'pg_opfamily'::regclass)
           UNION ALL
           SELECT format('FUNCTION %s (%s, %s) %s', p.amprocnum, format_type(p.amproclefttype, NULL), format_type(p.amprocrighttype, NULL), p.amproc::regprocedure),
                  format('FUNCTION %s (%s, %s)', p.amprocnum, format_type(p.amproclefttype, NULL), format_type(p.amprocrighttype, NULL))
           FROM pg_amproc p
           WHERE p.amprocfamily = f.oid
             AND EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_amproc'::regclass AND d.objid = p.oid AND d.refclassid = 'pg_opfamily'::regclass)
         ) AS m), '[]'))
FROM pg_opfamily f
JOIN pg_namespace n ON n.oid = f.opfnamespace
JOIN pg_am a ON a.oid = f.opfmethod
WHERE n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'trueup')
  AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = 'pg_opfamily'::regclass AND e.objid = f.oid AND e.deptype = 'e')
