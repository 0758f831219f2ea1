SELECT 'pg_proc'::regclass::oid, p.oid, 0, ARRAY[n.nspname::text, p.proname::text, pg_get_function_identity_types.types],
       json_build_object(
         'routine', CASE p.prokind WHEN 'p' THEN 'procedure' ELSE 'function' END,
         'language', l.lanname,
         'definition', pg_get_functiondef(p.oid),
         'result', pg_get_function_result(p.oid),
         'arguments', coalesce((SELECT json_agg(coalesce((p.proargmodes[i])::text, 'i') || ' ' || coalesce(p.proargnames[i], '') ORDER BY i)
                                FROM generate_series(1, coalesce(array_length(p.proallargtypes, 1), p.pronargs)) i), '[]'),
         'defaults', p.pronargdefaults,
         'source', CASE WHEN p.prosqlbody IS NULL THEN p.prosrc ELSE '' END,
         'settings', coalesce(p.proconfig, '{}'))
FROM pg_proc p
JOIN pg_namespace n ON n.oid = p.pronamespace
JOIN pg_language l ON l.oid = p.prolang
CROSS JOIN LATERAL (SELECT coalesce(string_agg(format_type(a.type, NULL), ', ' ORDER BY a.at), '') AS types
                    FROM unnest(p.proargtypes) WITH ORDINALITY AS a(type, at)) AS pg_get_function_identity_types
WHERE p.prokind IN ('f', 'p', 'w') AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'trueup')
  AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = 'pg_proc'::regclass AND e.objid = p.oid AND e.deptype IN ('e', 'i'))
