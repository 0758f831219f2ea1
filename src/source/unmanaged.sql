-- what there is beside the kinds that trueup knows: its name, a state that changes when it does, and its address
SELECT format('%s %s', o.type, o.identity), md5(concat(u.state, obj_description(u.oid, k.classname))),
       u.classid, u.oid
FROM (
    SELECT 'pg_language'::regclass::oid AS classid, l.oid, NULL::oid AS namespace, l.lanname::text AS state FROM pg_language l
    UNION ALL SELECT 'pg_am'::regclass, a.oid, NULL, concat(a.amname, a.amhandler) FROM pg_am a
    UNION ALL SELECT 'pg_transform'::regclass, t.oid, NULL, concat(t.trffromsql::regprocedure, t.trftosql::regprocedure) FROM pg_transform t
    -- neither options nor connection strings: there are passwords in them
    UNION ALL SELECT 'pg_user_mapping'::regclass, m.umid, NULL, concat(m.srvname, m.usename) FROM pg_user_mappings m
    UNION ALL SELECT 'pg_subscription'::regclass, s.oid, NULL, concat(s.subname, s.subenabled)
      FROM pg_subscription s WHERE s.subdbid = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
    -- base types are made by C functions
    UNION ALL SELECT 'pg_type'::regclass, t.oid, t.typnamespace, t.typname::text FROM pg_type t WHERE t.typtype = 'b'
    -- only referred to, as the commutator or negator of another one
    UNION ALL SELECT 'pg_operator'::regclass, o.oid, o.oprnamespace, o.oprname::text FROM pg_operator o WHERE o.oprcode = 0
) AS u
LEFT JOIN pg_namespace n ON n.oid = u.namespace
CROSS JOIN LATERAL (SELECT relname AS classname FROM pg_class k WHERE k.oid = u.classid) AS k
CROSS JOIN LATERAL pg_identify_object(u.classid, u.oid, 0) AS o
WHERE u.oid >= 16384 AND (n.oid IS NULL OR n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'trueup'))
  AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = u.classid AND e.objid = u.oid AND e.deptype IN ('e', 'i'))

UNION ALL
-- who may use a language that is there anyway
SELECT format('privileges on language %s', quote_ident(l.lanname)), md5(said.acl::text), 'pg_language'::regclass::oid, l.oid
FROM pg_language l
CROSS JOIN LATERAL (SELECT ARRAY(SELECT a::text FROM unnest(l.lanacl) AS a ORDER BY 1) AS acl,
                           ARRAY(SELECT a::text FROM unnest(acldefault('l', l.lanowner)) AS a ORDER BY 1) AS by_default) AS said
WHERE l.lanacl IS NOT NULL AND said.acl <> said.by_default

UNION ALL
-- security labels
SELECT format('security labels on %s %s', o.type, o.identity), md5(string_agg(concat_ws(' ', s.objsubid, s.provider, s.label), ',' ORDER BY s.objsubid, s.provider)),
       s.classoid, s.objoid
FROM pg_seclabel s CROSS JOIN LATERAL pg_identify_object(s.classoid, s.objoid, 0) AS o
WHERE s.classoid <> 'pg_largeobject'::regclass AND (o.schema !~ '^pg_' AND o.schema NOT IN ('information_schema', 'trueup')) IS NOT FALSE
GROUP BY s.classoid, s.objoid, o.type, o.identity
