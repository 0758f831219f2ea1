-- what is under a domain, which may be over another domain
WITH RECURSIVE under AS (
    SELECT y.oid AS domain, y.typbasetype AS plain FROM pg_type y WHERE y.typtype = 'd'
    UNION ALL
    SELECT u.domain, y.typbasetype FROM under u JOIN pg_type y ON y.oid = u.plain AND y.typtype = 'd')
SELECT 'pg_class'::regclass::oid, c.oid, a.attnum::int4, ARRAY[n.nspname::text, c.relname::text, a.attname::text],
       json_build_object(
         'type', format_type(a.atttypid, a.atttypmod),
         'base_type', format_type(a.atttypid, NULL),
         'collation', CASE WHEN a.attcollation <> t.typcollation THEN
                        (SELECT quote_ident(cn.nspname) || '.' || quote_ident(l.collname)
                         FROM pg_collation l JOIN pg_namespace cn ON cn.oid = l.collnamespace WHERE l.oid = a.attcollation) END,
         'not_null', a.attnotnull,
         -- what is special about it; ATTACH makes the one of a partition its parent's, and ALTER TABLE of the parent does not
         'not_null_as', CASE WHEN k.conislocal AND NOT (c.relispartition AND k.coninhcount > 0)
                           AND (k.conname !~ '_not_null[0-9]*$' OR k.connoinherit OR NOT k.convalidated) THEN
                          json_build_object('name', k.conname, 'no_inherit', k.connoinherit, 'validated', k.convalidated) END,
         'identity', CASE WHEN a.attidentity <> '' THEN
                       (SELECT json_build_object('always', a.attidentity = 'a', 'sequence', ARRAY[sn.nspname::text, s.relname::text],
                                                 'type', format_type(q.seqtypid, NULL), 'start', q.seqstart, 'increment', q.seqincrement,
                                                 'minimum', q.seqmin, 'maximum', q.seqmax, 'cache', q.seqcache, 'cycle', q.seqcycle)
                        FROM pg_sequence q
                        JOIN pg_class s ON s.oid = q.seqrelid
                        JOIN pg_namespace sn ON sn.oid = s.relnamespace
                        -- not joined: without statistics, that would read all sequences for each column
                        WHERE q.seqrelid = (SELECT d.objid FROM pg_depend d
                                            WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = c.oid AND d.refobjsubid = a.attnum
                                              AND d.classid = 'pg_class'::regclass AND d.deptype = 'i')) END,
         'generated', CASE WHEN a.attgenerated <> '' THEN
                        (SELECT json_build_object('expression', pg_get_expr(d.adbin, d.adrelid), 'stored', a.attgenerated = 's')
                         FROM pg_attrdef d WHERE d.adrelid = a.attrelid AND d.adnum = a.attnum) END,
         'storage', CASE WHEN a.attstorage <> t.typstorage THEN
                      CASE a.attstorage WHEN 'p' THEN 'plain' WHEN 'e' THEN 'external' WHEN 'm' THEN 'main' ELSE 'extended' END END,
         'compression', CASE a.attcompression WHEN 'p' THEN 'pglz' WHEN 'l' THEN 'lz4' END,
         'statistics', nullif(a.attstattarget, -1),
         'options', coalesce(a.attoptions, '{}'),
         'foreign_options', coalesce(a.attfdwoptions, '{}'),
         'facts', json_build_object(
           'plain_type', CASE WHEN t.typtype = 'd' THEN format_type(base.plain, NULL)
                              WHEN e.typtype = 'd' THEN format_type(base.plain, NULL) || '[]' ELSE format_type(a.atttypid, NULL) END,
           'storage', CASE t.typstorage WHEN 'p' THEN 'plain' WHEN 'e' THEN 'external' WHEN 'm' THEN 'main' ELSE 'extended' END,
           'foreign', c.relkind = 'f',
           'length', CASE WHEN a.atttypid IN ('bpchar'::regtype, 'varchar'::regtype) AND a.atttypmod <> -1 THEN a.atttypmod - 4 END,
           -- as numerictypmodin and its like for times pack it
           'decimals', CASE WHEN a.atttypid = 'numeric'::regtype AND a.atttypmod <> -1 THEN (((a.atttypmod - 4) & 2047) # 1024) - 1024
                            WHEN a.atttypid IN ('time'::regtype, 'timetz'::regtype, 'timestamp'::regtype, 'timestamptz'::regtype) THEN
                              CASE a.atttypmod WHEN -1 THEN 6 ELSE a.atttypmod END
                            WHEN a.atttypid = 'interval'::regtype THEN
                              CASE WHEN a.atttypmod = -1 OR a.atttypmod & 65535 = 65535 THEN 6 ELSE a.atttypmod & 65535 END END,
           'not_null', k.conname,
           'own_not_null', k.conislocal),
         'position', a.attnum,
         'inherited', NOT a.attislocal,
         'partition', c.relispartition,
         'parents', CASE WHEN a.attinhcount > 0 THEN
                      (SELECT json_agg(ARRAY[pn.nspname::text, p.relname::text] ORDER BY i.inhseqno)
                       FROM pg_inherits i JOIN pg_class p ON p.oid = i.inhparent JOIN pg_namespace pn ON pn.oid = p.relnamespace
                       WHERE i.inhrelid = c.oid
                         AND (c.relispartition OR EXISTS (SELECT FROM pg_attribute pa WHERE pa.attrelid = p.oid AND pa.attname = a.attname))) ELSE '[]' END)
FROM pg_attribute a
JOIN pg_class c ON c.oid = a.attrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_type t ON t.oid = a.atttypid
-- a constraint of its own from 18 on
LEFT JOIN pg_constraint k ON k.conrelid = c.oid AND k.contype = 'n' AND k.conkey[1] = a.attnum AND a.attnotnull
LEFT JOIN pg_type e ON e.oid = t.typelem AND t.typlen = -1
LEFT JOIN (SELECT u.domain, u.plain FROM under u JOIN pg_type y ON y.oid = u.plain AND y.typtype <> 'd') AS base
       ON base.domain = CASE WHEN t.typtype = 'd' THEN t.oid ELSE e.oid END
WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p', 'f') AND c.relpersistence <> 't'
  AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'trueup')
  AND c.oid NOT IN (SELECT e.objid FROM pg_depend e WHERE e.classid = 'pg_class'::regclass AND e.refclassid = 'pg_extension'::regclass AND e.deptype = 'e')
