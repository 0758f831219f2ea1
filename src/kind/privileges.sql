-- the address is the target's; the path is found by it, or given for what is no object of its own: a view's column. The
-- first object of a user's has the number 16384
SELECT o.classid, o.oid, o.sub,
       CASE WHEN o.sub > 0 THEN
              (SELECT ARRAY['column', n.nspname::text, c.relname::text, a.attname::text]
               FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid WHERE c.oid = o.oid AND a.attnum = o.sub) END,
       json_build_object('grants', g.grants, 'default', g.by_default)
FROM (
    SELECT 'pg_class'::regclass::oid AS classid, c.oid, 0 AS sub, c.relacl AS acl, c.relowner AS owner,
           CASE c.relkind WHEN 'S' THEN 's' ELSE 'r' END::"char" AS kind, c.relnamespace AS namespace
    FROM pg_class c WHERE c.oid >= 16384 AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND c.relacl IS NOT NULL AND c.relpersistence <> 't'
    UNION ALL
    SELECT 'pg_class'::regclass, c.oid, a.attnum, a.attacl, c.relowner, 'c', c.relnamespace
    FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
    WHERE a.attrelid >= 16384 AND a.attacl IS NOT NULL AND NOT a.attisdropped AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND c.relpersistence <> 't'
    UNION ALL
    SELECT 'pg_proc'::regclass, p.oid, 0, p.proacl, p.proowner, 'f', p.pronamespace FROM pg_proc p WHERE p.oid >= 16384 AND p.proacl IS NOT NULL
    UNION ALL
    SELECT 'pg_type'::regclass, t.oid, 0, t.typacl, t.typowner, 'T', t.typnamespace
    FROM pg_type t WHERE t.oid >= 16384 AND t.typacl IS NOT NULL AND t.typtype IN ('c', 'd', 'e', 'r')
    UNION ALL
    SELECT 'pg_namespace'::regclass, n.oid, 0, coalesce(n.nspacl, acldefault('n', n.nspowner)), n.nspowner, 'n', n.oid
    FROM pg_namespace n WHERE n.nspacl IS NOT NULL OR n.nspname = 'public'
    UNION ALL
    SELECT 'pg_foreign_data_wrapper'::regclass, w.oid, 0, w.fdwacl, w.fdwowner, 'F', NULL FROM pg_foreign_data_wrapper w WHERE w.fdwacl IS NOT NULL
    UNION ALL
    SELECT 'pg_foreign_server'::regclass, s.oid, 0, s.srvacl, s.srvowner, 'S', NULL FROM pg_foreign_server s WHERE s.srvacl IS NOT NULL
) AS o
LEFT JOIN pg_namespace n ON n.oid = o.namespace
CROSS JOIN LATERAL (
    SELECT coalesce(json_agg(x.grant) FILTER (WHERE NOT x.by_default), '[]') AS grants,
           coalesce(json_agg(x.grant) FILTER (WHERE x.by_default), '[]') AS by_default
    FROM (SELECT s.by_default,
                 json_build_object('grantee', CASE WHEN a.grantee = 0 THEN 'public' WHEN a.grantee <> o.owner THEN pg_get_userbyid(a.grantee) END,
                                   'privilege', a.privilege_type, 'grantable', a.is_grantable,
                                   'grantor', CASE WHEN a.grantor <> o.owner THEN pg_get_userbyid(a.grantor) END) AS "grant"
          FROM (VALUES (false, o.acl), (true, CASE WHEN o.kind <> 'c' THEN acldefault(o.kind, o.owner) END),
                      -- a new database's schema public, which everybody may use, and create in before 15
                      (true, CASE WHEN o.kind = 'n' AND n.nspname = 'public' THEN ARRAY[makeaclitem(0, o.owner, 'USAGE', false)] END),
                      (true, CASE WHEN o.kind = 'n' AND n.nspname = 'public' AND current_setting('server_version_num')::integer < 150000
                                  THEN ARRAY[makeaclitem(0, o.owner, 'CREATE', false)] END)) AS s(by_default, acl),
               aclexplode(s.acl) AS a) AS x
) AS g
WHERE (o.namespace IS NULL OR n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'trueup'))
  AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = o.classid AND e.objid = o.oid AND e.deptype = 'e')
