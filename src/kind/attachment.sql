-- there is no catalog row of its own: the address is one that pg_depend never has
SELECT 1::oid, c.oid, 0, ARRAY[n.nspname::text, c.relname::text],
       json_build_object('parent', ARRAY[pn.nspname::text, p.relname::text], 'bound', pg_get_expr(c.relpartbound, c.oid), 'implied',
                         CASE WHEN h.whole IS NULL THEN d.text
                              WHEN replace(d.text, h.whole[1], '') NOT LIKE '%satisfies_hash_partition(''%' THEN
                                replace(d.text, h.whole[1], quote_literal(h.whole[2]::oid::regclass::text) || '::regclass') END)
FROM pg_class c
CROSS JOIN LATERAL pg_get_partition_constraintdef(c.oid) AS d (text)
-- by HASH it has the number of the partitioned table in it, of one in most cases
CROSS JOIN LATERAL regexp_match(d.text, '(''(\d+)''::oid)') AS h (whole)
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_inherits i ON i.inhrelid = c.oid
JOIN pg_class p ON p.oid = i.inhparent
JOIN pg_namespace pn ON pn.oid = p.relnamespace
WHERE c.relispartition AND c.relkind IN ('r', 'p', 'f') AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'trueup')
  AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = 'pg_class'::regclass AND e.objid = c.oid AND e.deptype = 'e')
