SELECT 'pg_conversion'::regclass::oid, c.oid, 0, ARRAY[n.nspname::text, c.conname::text],
       json_build_object('default', c.condefault, 'source', pg_encoding_to_char(c.conforencoding), 'target', pg_encoding_to_char(c.contoencoding), 'function', c.conproc::text)
FROM pg_conversion c
JOIN pg_namespace n ON n.oid = c.connamespace
WHERE n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'trueup')
  AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = 'pg_conversion'::regclass AND e.objid = c.oid AND e.deptype = 'e')
