-- what there is beside the kinds that trueup knows: its name, and a state that changes when it does
SELECT format('%s %s', o.type, o.identity), md5(concat(u.state, obj_description(u.oid, k.classname)))
FROM (
    SELECT 'pg_operator'::regclass AS classid, o.oid, o.oprnamespace AS namespace, (to_jsonb(o) - 'oid')::text AS state FROM pg_operator o
    UNION ALL SELECT 'pg_opclass'::regclass, o.oid, o.opcnamespace, o.opcname::text FROM pg_opclass o
    UNION ALL SELECT 'pg_opfamily'::regclass, o.oid, o.opfnamespace, o.opfname::text FROM pg_opfamily o
    UNION ALL SELECT 'pg_conversion'::regclass, o.oid, o.connamespace, o.conname::text FROM pg_conversion o
    UNION ALL SELECT 'pg_ts_config'::regclass, o.oid, o.cfgnamespace, o.cfgname::text FROM pg_ts_config o
    UNION ALL SELECT 'pg_ts_dict'::regclass, o.oid, o.dictnamespace, concat(o.dictname, o.dictinitoption) FROM pg_ts_dict o
    UNION ALL SELECT 'pg_ts_parser'::regclass, o.oid, o.prsnamespace, o.prsname::text FROM pg_ts_parser o
    UNION ALL SELECT 'pg_ts_template'::regclass, o.oid, o.tmplnamespace, o.tmplname::text FROM pg_ts_template o
    UNION ALL SELECT 'pg_cast'::regclass, c.oid, NULL, concat(c.castcontext, c.castmethod) FROM pg_cast c WHERE c.oid >= 16384
      -- a range's cast to its multirange comes with it
      AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_cast'::regclass AND d.objid = c.oid AND d.deptype = 'i')
    UNION ALL SELECT 'pg_language'::regclass, l.oid, NULL, l.lanname::text FROM pg_language l WHERE l.oid >= 16384
    UNION ALL SELECT 'pg_foreign_data_wrapper'::regclass, w.oid, NULL, concat(w.fdwname, w.fdwoptions) FROM pg_foreign_data_wrapper w
    UNION ALL SELECT 'pg_foreign_server'::regclass, s.oid, NULL, concat(s.srvname, s.srvoptions) FROM pg_foreign_server s
    UNION ALL SELECT 'pg_publication'::regclass, p.oid, NULL,
        concat((to_jsonb(p) - 'oid' - 'pubowner')::text, (SELECT string_agg(concat(r.prrelid::regclass), ',' ORDER BY r.prrelid::regclass::text) FROM pg_publication_rel r WHERE r.prpubid = p.oid)) FROM pg_publication p
    UNION ALL SELECT 'pg_class'::regclass, c.oid, c.relnamespace, (to_jsonb(f) - 'ftrelid' - 'ftserver')::text FROM pg_class c LEFT JOIN pg_foreign_table f ON f.ftrelid = c.oid WHERE c.relkind = 'f'
    -- base types are made by C functions
    UNION ALL SELECT 'pg_type'::regclass, t.oid, t.typnamespace, t.typname::text FROM pg_type t WHERE t.typtype = 'b' AND t.typelem = 0 AND t.oid >= 16384
) AS u
LEFT JOIN pg_namespace n ON n.oid = u.namespace
CROSS JOIN LATERAL (SELECT relname AS classname FROM pg_class k WHERE k.oid = u.classid) AS k
CROSS JOIN LATERAL pg_identify_object(u.classid, u.oid, 0) AS o
WHERE u.oid >= 16384 AND (n.oid IS NULL OR n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'trueup'))
  AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = u.classid AND e.objid = u.oid AND e.deptype IN ('e', 'i'))
