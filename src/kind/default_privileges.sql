SELECT 'pg_default_acl'::regclass::oid, d.oid, 0,
       ARRAY[coalesce(n.nspname::text, ''), pg_get_userbyid(d.defaclrole)::text,
             CASE d.defaclobjtype WHEN 'r' THEN 'TABLES' WHEN 'S' THEN 'SEQUENCES' WHEN 'f' THEN 'FUNCTIONS' WHEN 'T' THEN 'TYPES'
                                  WHEN 'n' THEN 'SCHEMAS' ELSE 'LARGE OBJECTS' END],
       json_build_object('grants', g.grants, 'default', g.by_default)
FROM pg_default_acl d
LEFT JOIN pg_namespace n ON n.oid = d.defaclnamespace
CROSS JOIN LATERAL (
    SELECT coalesce(json_agg(x.grant) FILTER (WHERE NOT x.by_default), '[]') AS grants,
           coalesce(json_agg(x.grant) FILTER (WHERE x.by_default), '[]') AS by_default
    FROM (SELECT s.by_default,
                 json_build_object('grantee', CASE WHEN a.grantee = 0 THEN 'public' WHEN a.grantee <> d.defaclrole THEN pg_get_userbyid(a.grantee) END,
                                   'privilege', a.privilege_type, 'grantable', a.is_grantable,
                                   'grantor', CASE WHEN a.grantor <> d.defaclrole THEN pg_get_userbyid(a.grantor) END) AS "grant"
          FROM (VALUES (false, d.defaclacl),
                       -- within a schema they add to nothing; everywhere they take the place of what is built in
                       (true, CASE WHEN d.defaclnamespace = 0 THEN acldefault(CASE d.defaclobjtype WHEN 'S' THEN 's' ELSE d.defaclobjtype END, d.defaclrole) END)) AS s(by_default, acl),
               aclexplode(s.acl) AS a) AS x
) AS g
WHERE n.nspname IS NULL OR n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'trueup')
