SELECT 'pg_operator'::regclass::oid, o.oid, 0,
       ARRAY[n.nspname::text, o.oprname::text,
             concat(CASE WHEN o.oprleft = 0 THEN 'NONE' ELSE format_type(o.oprleft, NULL) END, ', ',
                    CASE WHEN o.oprright = 0 THEN 'NONE' ELSE format_type(o.oprright, NULL) END)],
       json_build_object(
         'function', o.oprcode::text,
         'commutator', (SELECT format('OPERATOR(%I.%s)', m.nspname, c.oprname) FROM pg_operator c JOIN pg_namespace m ON m.oid = c.oprnamespace WHERE c.oid = o.oprcom),
         'negator', (SELECT format('OPERATOR(%I.%s)', m.nspname, c.oprname) FROM pg_operator c JOIN pg_namespace m ON m.oid = c.oprnamespace WHERE c.oid = o.oprnegate),
         'restrict', CASE WHEN o.oprrest::oid <> 0 THEN o.oprrest::text END,
         'join', CASE WHEN o.oprjoin::oid <> 0 THEN o.oprjoin::text END,
         'hashes', o.oprcanhash, 'merges', o.oprcanmerge)
FROM pg_operator o
JOIN pg_namespace n ON n.oid = o.oprnamespace
-- one that is only referred to as a commutator or negator has no function yet
WHERE o.oprcode::oid <> 0 AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'trueup')
  AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = 'pg_operator'::regclass AND e.objid = o.oid AND e.deptype = 'e')
