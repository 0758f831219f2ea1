SELECT 'pg_proc'::regclass::oid, p.oid, 0,
       ARRAY[n.nspname::text, p.proname::text,
             (SELECT coalesce(string_agg(format_type(t.type, NULL), ', ' ORDER BY t.at), '') FROM unnest(p.proargtypes) WITH ORDINALITY AS t(type, at))],
       json_build_object(
         'arguments', CASE WHEN p.pronargs = 0 THEN '*' ELSE pg_get_function_arguments(p.oid) END,
         'clauses', (SELECT json_agg(c.clause ORDER BY c.at) FROM (VALUES
            (1, 'SFUNC = ' || a.aggtransfn::regproc),
            (2, 'STYPE = ' || format_type(a.aggtranstype, NULL)),
            (3, CASE WHEN a.aggtransspace <> 0 THEN 'SSPACE = ' || a.aggtransspace END),
            (4, CASE WHEN a.aggfinalfn::oid <> 0 THEN 'FINALFUNC = ' || a.aggfinalfn::regproc END),
            (5, CASE WHEN a.aggfinalextra THEN 'FINALFUNC_EXTRA' END),
            (6, CASE WHEN a.aggfinalfn::oid <> 0 AND a.aggfinalmodify <> CASE WHEN a.aggkind = 'n' THEN 'r' ELSE 'w' END::"char"
                     THEN 'FINALFUNC_MODIFY = ' || CASE a.aggfinalmodify WHEN 'r' THEN 'READ_ONLY' WHEN 's' THEN 'SHAREABLE' ELSE 'READ_WRITE' END END),
            (7, CASE WHEN a.aggcombinefn::oid <> 0 THEN 'COMBINEFUNC = ' || a.aggcombinefn::regproc END),
            (8, CASE WHEN a.aggserialfn::oid <> 0 THEN 'SERIALFUNC = ' || a.aggserialfn::regproc END),
            (9, CASE WHEN a.aggdeserialfn::oid <> 0 THEN 'DESERIALFUNC = ' || a.aggdeserialfn::regproc END),
            (10, 'INITCOND = ' || quote_literal(a.agginitval)),
            (11, CASE WHEN a.aggmtransfn::oid <> 0 THEN 'MSFUNC = ' || a.aggmtransfn::regproc END),
            (12, CASE WHEN a.aggminvtransfn::oid <> 0 THEN 'MINVFUNC = ' || a.aggminvtransfn::regproc END),
            (13, CASE WHEN a.aggmtranstype <> 0 THEN 'MSTYPE = ' || format_type(a.aggmtranstype, NULL) END),
            (14, CASE WHEN a.aggmtransspace <> 0 THEN 'MSSPACE = ' || a.aggmtransspace END),
            (15, CASE WHEN a.aggmfinalfn::oid <> 0 THEN 'MFINALFUNC = ' || a.aggmfinalfn::regproc END),
            (16, CASE WHEN a.aggmfinalextra THEN 'MFINALFUNC_EXTRA' END),
            (17, CASE WHEN a.aggmfinalfn::oid <> 0 AND a.aggmfinalmodify <> CASE WHEN a.aggkind = 'n' THEN 'r' ELSE 'w' END::"char"
                      THEN 'MFINALFUNC_MODIFY = ' || CASE a.aggmfinalmodify WHEN 'r' THEN 'READ_ONLY' WHEN 's' THEN 'SHAREABLE' ELSE 'READ_WRITE' END END),
            (18, 'MINITCOND = ' || quote_literal(a.aggminitval)),
            (19, (SELECT 'SORTOP = OPERATOR(' || quote_ident(n2.nspname) || '.' || o.oprname || ')'
                  FROM pg_operator o JOIN pg_namespace n2 ON n2.oid = o.oprnamespace WHERE o.oid = a.aggsortop)),
            (20, CASE p.proparallel WHEN 's' THEN 'PARALLEL = SAFE' WHEN 'r' THEN 'PARALLEL = RESTRICTED' END),
            (21, CASE WHEN a.aggkind = 'h' THEN 'HYPOTHETICAL' END)) AS c(at, clause) WHERE c.clause IS NOT NULL))
FROM pg_proc p
JOIN pg_aggregate a ON a.aggfnoid = p.oid
JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'trueup')
  AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = 'pg_proc'::regclass AND e.objid = p.oid AND e.deptype = 'e')
