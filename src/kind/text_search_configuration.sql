SELECT 'pg_ts_config'::regclass::oid, c.oid, 0, ARRAY[n.nspname::text, c.cfgname::text],
       json_build_object(
         'parser', (SELECT format('%I.%I', pn.nspname, p.prsname) FROM pg_ts_parser p JOIN pg_namespace pn ON pn.oid = p.prsnamespace WHERE p.oid = c.cfgparser),
         'mappings', coalesce((SELECT json_object_agg(m.token, m.dictionaries) FROM (
             SELECT t.alias AS token, json_agg(format('%I.%I', dn.nspname, d.dictname) ORDER BY x.mapseqno) AS dictionaries
             FROM pg_ts_config_map x
             JOIN ts_token_type(c.cfgparser) t ON t.tokid = x.maptokentype
             JOIN pg_ts_dict d ON d.oid = x.mapdict
             JOIN pg_namespace dn ON dn.oid = d.dictnamespace
             WHERE x.mapcfg = c.oid
             GROUP BY t.alias) AS m), '{}'))
FROM pg_ts_config c
JOIN pg_namespace n ON n.oid = c.cfgnamespace
WHERE n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'trueup')
  AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = 'pg_ts_config'::regclass AND e.objid = c.oid AND e.deptype = 'e')
