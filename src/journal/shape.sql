-- All that the journal's tables are, line by line, from pg_catalog alone: nothing of them is read for it.
WITH named AS (
    SELECT c.oid, c.relname::pg_catalog.text AS name, c.relkind, c.relpersistence, c.relam, c.reloftype, c.relrowsecurity, c.relowner, c.relacl
    FROM pg_catalog.pg_class c
    WHERE c.relnamespace = (SELECT n.oid FROM pg_catalog.pg_namespace n WHERE n.nspname = 'trueup') AND c.relname = ANY ($1::pg_catalog.text[])),
lines (name, line) AS (
    SELECT name, CASE relkind WHEN 'r' THEN 'table' WHEN 'p' THEN 'partitioned table' WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view'
                              WHEN 'f' THEN 'foreign table' ELSE relkind::pg_catalog.text END
                 || CASE relpersistence WHEN 'p' THEN '' ELSE ', not permanent' END
                 || CASE WHEN relkind = 'r' AND relam <> (SELECT a.oid FROM pg_catalog.pg_am a WHERE a.amname = 'heap') THEN ', another access method' ELSE '' END
                 || CASE reloftype WHEN 0 THEN '' ELSE ', of a type' END
    FROM named
    UNION ALL
    SELECT name, pg_catalog.format('column %s %s', a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod))
                 || CASE WHEN a.attcollation IN (0, 'pg_catalog."default"'::pg_catalog.regcollation) THEN '' ELSE ' of another collation' END
                 || CASE WHEN a.attnotnull THEN ' not null' ELSE '' END
                 || CASE a.attidentity WHEN '' THEN '' ELSE ' identity ' || a.attidentity::pg_catalog.text END
                 || CASE a.attgenerated WHEN '' THEN CASE WHEN d.oid IS NULL THEN '' ELSE ' default ' || pg_catalog.pg_get_expr(d.adbin, d.adrelid) END
                                        ELSE ' generated' END
    FROM named JOIN pg_catalog.pg_attribute a ON a.attrelid = named.oid AND a.attnum > 0 AND NOT a.attisdropped
    LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    UNION ALL
    SELECT name, pg_catalog.pg_get_constraintdef(k.oid) FROM named JOIN pg_catalog.pg_constraint k ON k.conrelid = named.oid AND k.contype <> 'n'
    UNION ALL
    SELECT name, pg_catalog.format('index (%s)%s',
             (SELECT pg_catalog.string_agg(pg_catalog.pg_get_indexdef(x.indexrelid, at, false), ', ' ORDER BY at)
              FROM pg_catalog.generate_series(1, x.indnatts) AS at),
             CASE WHEN x.indpred IS NOT NULL OR x.indexprs IS NOT NULL OR EXISTS (
                         SELECT FROM pg_catalog.unnest(x.indclass) AS used (class) WHERE class >= 16384) THEN ' computed' ELSE '' END)
    FROM named JOIN pg_catalog.pg_index x ON x.indrelid = named.oid
    UNION ALL
    SELECT name, pg_catalog.format('trigger %s', t.tgname) FROM named JOIN pg_catalog.pg_trigger t ON t.tgrelid = named.oid AND NOT t.tgisinternal
    UNION ALL
    SELECT name, pg_catalog.format('rule %s', r.rulename) FROM named JOIN pg_catalog.pg_rewrite r ON r.ev_class = named.oid
    UNION ALL
    SELECT name, 'row level security' FROM named WHERE relrowsecurity
    UNION ALL
    SELECT name, pg_catalog.format('policy %s', p.polname) FROM named JOIN pg_catalog.pg_policy p ON p.polrelid = named.oid
    UNION ALL
    -- the planner computes their expressions
    SELECT name, pg_catalog.format('statistics %s', s.stxname) FROM named JOIN pg_catalog.pg_statistic_ext s ON s.stxrelid = named.oid
    UNION ALL
    -- whoever deletes or changes a row here works there, too
    SELECT name, pg_catalog.format('foreign key %s of %s', k.conname, k.conrelid::pg_catalog.regclass)
    FROM named JOIN pg_catalog.pg_constraint k ON k.confrelid = named.oid AND k.conrelid NOT IN (SELECT own.oid FROM named AS own)
    UNION ALL
    SELECT name, pg_catalog.format('%s granted to %s', given.privilege_type, COALESCE(r.rolname, 'PUBLIC'))
    FROM (SELECT name, relacl AS acl, relowner FROM named
          UNION ALL SELECT name, a.attacl, relowner FROM named JOIN pg_catalog.pg_attribute a ON a.attrelid = named.oid) AS granted,
         LATERAL pg_catalog.aclexplode(acl) AS given LEFT JOIN pg_catalog.pg_roles r ON r.oid = given.grantee
    WHERE given.grantee <> relowner AND NOT COALESCE(r.rolsuper, false)
      AND (given.privilege_type IN ('TRIGGER', 'REFERENCES', 'MAINTAIN') OR name = 'policy' AND given.privilege_type <> 'SELECT'
           OR name = 'entry' AND given.privilege_type NOT IN ('SELECT', 'INSERT'))
    UNION ALL
    SELECT name, 'inheritance' FROM named JOIN pg_catalog.pg_inherits i ON named.oid IN (i.inhrelid, i.inhparent))
SELECT name, line, NULL AS owner FROM lines
UNION ALL
-- a superuser need not take this way. Who is one is not what SET ROLE, perhaps by a setting of the database, makes of him
SELECT name, '', r.rolname::pg_catalog.text
FROM (SELECT name, relowner FROM named
      UNION ALL SELECT '', n.nspowner FROM pg_catalog.pg_namespace n WHERE n.nspname = 'trueup') AS owned (name, owner)
JOIN pg_catalog.pg_roles r ON r.oid = owned.owner
WHERE NOT r.rolsuper AND r.rolname <> SESSION_USER AND r.rolname <> ALL ($2::pg_catalog.text[])
  AND (r.rolname <> CURRENT_USER OR (SELECT own.rolsuper FROM pg_catalog.pg_roles own WHERE own.rolname = SESSION_USER))
