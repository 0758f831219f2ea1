-- a table that comes to inherit a check that is not validated has a validated copy, which no dump brings back: it says what the parent's says;
-- a dump says of a partition's copy what it is
, unproven AS (
    SELECT u.conrelid, u.conname FROM pg_constraint u WHERE u.contype = 'c' AND NOT u.convalidated AND u.conrelid <> 0
    UNION
    SELECT u.conrelid, u.conname FROM unproven p JOIN pg_inherits i ON i.inhparent = p.conrelid
    JOIN pg_constraint u ON u.conrelid = i.inhrelid AND u.conname = p.conname AND u.contype = 'c' AND NOT u.conislocal
    JOIN pg_class c ON c.oid = i.inhrelid AND NOT c.relispartition)
SELECT 'pg_constraint'::regclass::oid, k.oid, 0, ARRAY[n.nspname::text, c.relname::text,
       -- what a partition's copy of a foreign key is called is nobody's choice: here, as in the partitioned table
       CASE WHEN k.contype = 'f' AND k.conparentid <> 0 THEN
         (WITH RECURSIVE up AS (
            SELECT p.oid, p.conparentid, p.conname FROM pg_constraint p WHERE p.oid = k.conparentid
            UNION ALL
            SELECT p.oid, p.conparentid, p.conname FROM up JOIN pg_constraint p ON p.oid = up.conparentid)
          SELECT up.conname::text FROM up WHERE up.conparentid = 0) ELSE k.conname::text END],
       json_build_object(
         'contype', CASE k.contype WHEN 'p' THEN 'primary_key' WHEN 'u' THEN 'unique' WHEN 'f' THEN 'foreign_key'
                                   WHEN 'c' THEN 'check' ELSE 'exclusion' END,
         'definition', CASE WHEN k.contype = 'x' AND b.parameters IS NOT NULL THEN
                           -- of exclusion constraints PostgreSQL prints the parameters, too
                           left(pg_get_constraintdef(k.oid), -length(b.parameters || ends.suffix)) || ends.suffix
                         WHEN k.convalidated THEN pg_get_constraintdef(k.oid)
                            ELSE regexp_replace(pg_get_constraintdef(k.oid), ' NOT VALID$', '') END,
         'validated', k.convalidated AND (k.contype <> 'c' OR (k.conrelid, k.conname) NOT IN (SELECT conrelid, conname FROM unproven)),
         'columns', ARRAY(SELECT (SELECT a.attname::text FROM pg_attribute a WHERE a.attrelid = k.conrelid AND a.attnum = u.attnum)
                          -- 0 is an expression
                          FROM unnest(k.conkey) AS u(attnum) WHERE u.attnum <> 0),
         'facts', json_build_object(
           'referenced_columns', ARRAY(SELECT a.attname::text FROM unnest(k.confkey) WITH ORDINALITY AS u(attnum, at)
                                       JOIN pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = u.attnum ORDER BY at),
           'enforced', k.contype NOT IN ('c', 'f') OR coalesce((to_jsonb(k) ->> 'conenforced')::boolean, true),
           'temporal', k.contype IN ('p', 'u') AND k.conexclop IS NOT NULL
                       OR k.contype = 'f' AND coalesce((to_jsonb(k) ->> 'conperiod')::boolean, false),
           'condition', CASE WHEN k.contype = 'c' THEN pg_get_expr(k.conbin, k.conrelid) END,
           'included', CASE WHEN x.indnatts > x.indnkeyatts THEN
                         (SELECT json_agg(a.attname ORDER BY at) FROM unnest(x.indkey) WITH ORDINALITY AS u(attnum, at)
                          JOIN pg_attribute a ON a.attrelid = x.indrelid AND a.attnum = u.attnum WHERE at > x.indnkeyatts) ELSE '[]' END,
           'nulls_not_distinct', k.contype = 'u' AND coalesce((to_jsonb(x) ->> 'indnullsnotdistinct')::boolean, false),
           'suffix', CASE WHEN x.indexrelid IS NOT NULL THEN ends.suffix ELSE '' END,
           'exclusion', CASE WHEN b.indexrelid IS NOT NULL THEN
                          json_build_object(
                            'using', b.using, 'nulls_not_distinct', b.nulls_not_distinct, 'predicate', b.predicate, 'shape', b.shape,
                            'operators', ARRAY(SELECT format('OPERATOR(%I.%s)', onsp.nspname, o.oprname)
                                               FROM unnest(k.conexclop) WITH ORDINALITY AS u(oid, at)
                                               JOIN pg_operator o ON o.oid = u.oid JOIN pg_namespace onsp ON onsp.oid = o.oprnamespace ORDER BY at)) END),
         'references', CASE WHEN k.contype = 'f' THEN ARRAY[fn.nspname::text, f.relname::text] END,
         'clustered', coalesce(x.indisclustered, false),
         'replica_identity', coalesce(x.indisreplident, false),
         'options', coalesce(xc.reloptions, '{}'),
         'tablespace', s.spcname,
         'position', CASE WHEN x.indexrelid IS NULL THEN 0 ELSE
                       (SELECT count(*) FROM pg_index y WHERE y.indrelid = x.indrelid AND y.indexrelid < x.indexrelid) END,
         'inherited', k.coninhcount > 0 AND NOT k.conislocal AND k.contype = 'c' OR k.contype = 'f' AND k.conparentid <> 0,
         'partition', CASE WHEN k.contype IN ('p', 'u', 'x') THEN c.relkind = 'p' ELSE c.relispartition END,
         'parents', CASE WHEN k.coninhcount > 0 THEN
                      (SELECT json_agg(ARRAY[pn.nspname::text, p.relname::text] ORDER BY i.inhseqno)
                       FROM pg_inherits i JOIN pg_class p ON p.oid = i.inhparent JOIN pg_namespace pn ON pn.oid = p.relnamespace
                       WHERE i.inhrelid = c.oid
                         AND (c.relispartition OR EXISTS (SELECT FROM pg_constraint pk WHERE pk.conrelid = p.oid AND pk.conname = k.conname
                                                                                       AND pk.contype = 'c' AND NOT pk.connoinherit))) ELSE '[]' END)
FROM pg_constraint k
JOIN pg_class c ON c.oid = k.conrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_index x ON x.indexrelid = k.conindid AND k.contype IN ('p', 'u', 'x')
-- of a key more is known: it is a btree of its columns, each in the usual way
LEFT JOIN index_body b ON b.indexrelid = CASE WHEN k.conexclop IS NOT NULL THEN x.indexrelid END
LEFT JOIN pg_class xc ON xc.oid = x.indexrelid
LEFT JOIN pg_tablespace s ON s.oid = xc.reltablespace
LEFT JOIN pg_class f ON f.oid = k.confrelid
LEFT JOIN pg_namespace fn ON fn.oid = f.relnamespace
CROSS JOIN LATERAL (SELECT concat(' WHERE (' || b.predicate || ')', CASE WHEN k.condeferrable THEN ' DEFERRABLE' END,
                                  CASE WHEN k.condeferred THEN ' INITIALLY DEFERRED' END) AS suffix) AS ends
WHERE k.contype IN ('p', 'u', 'f', 'c', 'x') AND c.relkind IN ('r', 'p', 'f') AND c.relpersistence <> 't'
  -- nor is a foreign key one of its own for each partition of the table that it references
  AND NOT (k.contype = 'f' AND k.conparentid <> 0 AND k.conrelid = (SELECT p.conrelid FROM pg_constraint p WHERE p.oid = k.conparentid))
  AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'trueup')
  AND c.oid NOT IN (SELECT e.objid FROM pg_depend e WHERE e.classid = 'pg_class'::regclass AND e.refclassid = 'pg_extension'::regclass AND e.deptype = 'e')
