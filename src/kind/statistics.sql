SELECT 'pg_statistic_ext'::regclass::oid, s.oid, 0, ARRAY[n.nspname::text, s.stxname::text],
       json_build_object(
         -- as PostgreSQL prints them: all of them, and the one of a single expression, go without saying
         'kinds', CASE WHEN s.stxkind @> '{d,f,m}' OR NOT s.stxkind && '{d,f,m}' THEN '{}' ELSE
                    ARRAY(SELECT k.word FROM (VALUES ('d', 'ndistinct'), ('f', 'dependencies'), ('m', 'mcv')) AS k(letter, word)
                          WHERE k.letter::"char" = ANY (s.stxkind)) END,
         'columns', ARRAY(SELECT a.attname::text FROM unnest(s.stxkeys) AS u(attnum)
                          JOIN pg_attribute a ON a.attrelid = s.stxrelid AND a.attnum = u.attnum),
         'expressions', coalesce(pg_get_statisticsobjdef_expressions(s.oid), '{}'),
         'table', ARRAY[tn.nspname::text, t.relname::text],
         'target', nullif(s.stxstattarget, -1))
FROM pg_statistic_ext s
JOIN pg_namespace n ON n.oid = s.stxnamespace
JOIN pg_class t ON t.oid = s.stxrelid
JOIN pg_namespace tn ON tn.oid = t.relnamespace
WHERE n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'trueup')
  AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = 'pg_class'::regclass AND e.objid = t.oid AND e.deptype = 'e')
