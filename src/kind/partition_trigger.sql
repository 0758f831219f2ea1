-- the copy itself is no object: the address is one that pg_depend never has
SELECT 3::oid, t.oid, 0, ARRAY[n.nspname::text, c.relname::text, t.tgname::text],
       json_build_object(
         'enabled', CASE t.tgenabled WHEN 'O' THEN 'origin' WHEN 'R' THEN 'replica' WHEN 'A' THEN 'always' ELSE 'disabled' END,
         'inherited', CASE p.tgenabled WHEN 'O' THEN 'origin' WHEN 'R' THEN 'replica' WHEN 'A' THEN 'always' ELSE 'disabled' END,
         'parent', ARRAY[pn.nspname::text, pc.relname::text, p.tgname::text],
         'root', root.path)
FROM pg_trigger t
JOIN pg_class c ON c.oid = t.tgrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_trigger p ON p.oid = t.tgparentid
JOIN pg_class pc ON pc.oid = p.tgrelid
JOIN pg_namespace pn ON pn.oid = pc.relnamespace
CROSS JOIN LATERAL (
  WITH RECURSIVE up AS (
    SELECT p.oid, p.tgparentid
    UNION ALL
    SELECT g.oid, g.tgparentid FROM up JOIN pg_trigger g ON g.oid = up.tgparentid)
  SELECT ARRAY[rn.nspname::text, rc.relname::text, r.tgname::text] AS path
  FROM up JOIN pg_trigger r ON r.oid = up.oid JOIN pg_class rc ON rc.oid = r.tgrelid JOIN pg_namespace rn ON rn.oid = rc.relnamespace
  -- those that make foreign keys work are their own
  WHERE up.tgparentid = 0 AND NOT r.tgisinternal) AS root
WHERE t.tgenabled <> p.tgenabled AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'trueup')
  AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = 'pg_class'::regclass AND e.objid = c.oid AND e.deptype = 'e')
