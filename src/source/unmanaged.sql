-- what there is beside the kinds that trueup knows: its name, a state that changes when it does, and its address
SELECT format('%s %s', CASE o.type WHEN 'materialized view' THEN 'settings of the columns of ' || o.type ELSE o.type END, o.identity), md5(concat(u.state, obj_description(u.oid, k.classname))),
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
    -- what is said of the columns of a materialized view
    UNION ALL SELECT 'pg_class'::regclass, c.oid, c.relnamespace, a.said
      FROM pg_class c CROSS JOIN LATERAL (
        SELECT string_agg(concat_ws(' ', a.attname, a.attstattarget, a.attcompression, a.attstorage, a.attoptions), ',' ORDER BY a.attnum) AS said
        FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
        WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
          AND (a.attstattarget >= 0 OR a.attcompression <> '' OR a.attstorage <> t.typstorage OR a.attoptions IS NOT NULL)) AS a
      WHERE c.relkind = 'm' AND a.said IS NOT NULL
    -- a partition's copy of a trigger that is enabled otherwise than the partitioned table's
    UNION ALL SELECT 'pg_trigger'::regclass, t.oid, c.relnamespace, t.tgenabled::text
      FROM pg_trigger t JOIN pg_trigger p ON p.oid = t.tgparentid JOIN pg_class c ON c.oid = t.tgrelid
      WHERE t.tgenabled <> p.tgenabled
    -- only referred to, as the commutator or negator of another one
    UNION ALL SELECT 'pg_operator'::regclass, o.oid, o.oprnamespace, o.oprname::text FROM pg_operator o WHERE o.oprcode = 0
) AS u
LEFT JOIN pg_namespace n ON n.oid = u.namespace
CROSS JOIN LATERAL (SELECT relname AS classname FROM pg_class k WHERE k.oid = u.classid) AS k
CROSS JOIN LATERAL pg_identify_object(u.classid, u.oid, 0) AS o
WHERE u.oid >= 16384 AND (n.oid IS NULL OR n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'trueup'))
  AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = u.classid AND e.objid = u.oid AND (e.deptype = 'e' OR e.deptype = 'i' AND u.classid <> 'pg_trigger'::regclass))

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
