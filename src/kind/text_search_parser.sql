SELECT 'pg_ts_parser'::regclass::oid, t.oid, 0, ARRAY[n.nspname::text, t.prsname::text],
       json_build_object('functions', array_remove(ARRAY[
           CASE WHEN t.prsstart::oid <> 0 THEN 'START = ' || t.prsstart END,
           CASE WHEN t.prstoken::oid <> 0 THEN 'GETTOKEN = ' || t.prstoken END,
           CASE WHEN t.prsend::oid <> 0 THEN 'END = ' || t.prsend END,
           CASE WHEN t.prsheadline::oid <> 0 THEN 'HEADLINE = ' || t.prsheadline END,
           CASE WHEN t.prslextype::oid <> 0 THEN 'LEXTYPES = ' || t.prslextype END], NULL))
FROM pg_ts_parser t
JOIN pg_namespace n ON n.oid = t.prsnamespace
WHERE n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'trueup')
  AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = 'pg_ts_parser'::regclass AND e.objid = t.oid AND e.deptype = 'e')
