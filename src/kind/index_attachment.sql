-- there is no catalog row of its own: the address is one that pg_depend never has
SELECT 2::oid, c.oid, 0, ARRAY[n.nspname::text, c.relname::text],
       json_build_object(
         'parent', ARRAY[pn.nspname::text, p.relname::text],
         'table', ARRAY[tn.nspname::text, t.relname::text],
         'parent_table', ARRAY[ptn.nspname::text, pt.relname::text],
         'constraint', EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = c.oid AND k.contype IN ('p', 'u', 'x')),
         'parent_constraint', EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = p.oid AND k.contype IN ('p', 'u', 'x')))
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_index x ON x.indexrelid = c.oid
JOIN pg_class t ON t.oid = x.indrelid
JOIN pg_namespace tn ON tn.oid = t.relnamespace
JOIN pg_inherits i ON i.inhrelid = c.oid
JOIN pg_class p ON p.oid = i.inhparent
JOIN pg_namespace pn ON pn.oid = p.relnamespace
JOIN pg_index px ON px.indexrelid = p.oid
JOIN pg_class pt ON pt.oid = px.indrelid
JOIN pg_namespace ptn ON ptn.oid = pt.relnamespace
WHERE c.relkind IN ('i', 'I') AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'trueup')
  AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = 'pg_class'::regclass AND e.objid = t.oid AND e.deptype = 'e')
