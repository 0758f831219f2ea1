-- only where it is another one than the role that reads: what it creates is its own
SELECT o.classid, o.oid, 0, NULL::text[], json_build_object('role', pg_get_userbyid(o.owner))
FROM (
    SELECT 'pg_namespace'::regclass::oid AS classid, n.oid, n.nspowner AS owner, n.oid AS namespace FROM pg_namespace n
    UNION ALL SELECT 'pg_class'::regclass, c.oid, c.relowner, c.relnamespace
      FROM pg_class c WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND c.relpersistence <> 't'
      -- a sequence goes with the table of its column
      AND NOT (c.relkind = 'S' AND EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.objsubid = 0
                                             AND d.refclassid = 'pg_class'::regclass AND d.refobjsubid > 0 AND d.deptype IN ('a', 'i')))
    UNION ALL SELECT 'pg_proc'::regclass, p.oid, p.proowner, p.pronamespace FROM pg_proc p
    UNION ALL SELECT 'pg_type'::regclass, t.oid, t.typowner, t.typnamespace
      FROM pg_type t LEFT JOIN pg_class c ON c.oid = t.typrelid WHERE t.typtype IN ('d', 'e', 'r') OR t.typtype = 'c' AND c.relkind = 'c'
    UNION ALL SELECT 'pg_operator'::regclass, o.oid, o.oprowner, o.oprnamespace FROM pg_operator o
    UNION ALL SELECT 'pg_opfamily'::regclass, f.oid, f.opfowner, f.opfnamespace FROM pg_opfamily f
    UNION ALL SELECT 'pg_opclass'::regclass, c.oid, c.opcowner, c.opcnamespace FROM pg_opclass c
    UNION ALL SELECT 'pg_collation'::regclass, c.oid, c.collowner, c.collnamespace FROM pg_collation c
    UNION ALL SELECT 'pg_conversion'::regclass, c.oid, c.conowner, c.connamespace FROM pg_conversion c
    UNION ALL SELECT 'pg_ts_dict'::regclass, d.oid, d.dictowner, d.dictnamespace FROM pg_ts_dict d
    UNION ALL SELECT 'pg_ts_config'::regclass, c.oid, c.cfgowner, c.cfgnamespace FROM pg_ts_config c
    UNION ALL SELECT 'pg_statistic_ext'::regclass, s.oid, s.stxowner, s.stxnamespace FROM pg_statistic_ext s
    UNION ALL SELECT 'pg_foreign_data_wrapper'::regclass, w.oid, w.fdwowner, NULL FROM pg_foreign_data_wrapper w
    UNION ALL SELECT 'pg_foreign_server'::regclass, s.oid, s.srvowner, NULL FROM pg_foreign_server s
    UNION ALL SELECT 'pg_event_trigger'::regclass, t.oid, t.evtowner, NULL FROM pg_event_trigger t
        WHERE t.evtfoid NOT IN (SELECT p.oid FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname = 'trueup')
    UNION ALL SELECT 'pg_publication'::regclass, p.oid, p.pubowner, NULL FROM pg_publication p
) AS o
LEFT JOIN pg_namespace n ON n.oid = o.namespace
WHERE o.oid >= 16384 AND o.owner <> (SELECT r.oid FROM pg_roles r WHERE r.rolname = current_user)
  AND (o.namespace IS NULL OR n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'trueup'))
  AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = o.classid AND e.objid = o.oid AND e.deptype = 'e')
