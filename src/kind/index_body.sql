-- what is said of an index behind the name of its table
index_body AS (
    SELECT indexrelid, parameters, nulls_not_distinct, predicate,
           -- without what PostgreSQL prints in the end, in this order; it is printed once, since the body is said once
           left(body || '.', -1 - length(concat(CASE WHEN nulls_not_distinct THEN ' NULLS NOT DISTINCT' END, parameters, ' WHERE ' || predicate))) AS "using",
           json_build_object('access_method', amname, 'keys', keys, 'typed', typed) AS shape
    FROM (
        SELECT x.indexrelid, m.amname, pg_get_expr(x.indpred, x.indrelid) AS predicate,
               x.indisunique AND coalesce((to_jsonb(x) ->> 'indnullsnotdistinct')::boolean, false) AS nulls_not_distinct,
               substr(pg_get_indexdef(c.oid),
                      1 + length(format('CREATE %sINDEX %I ON %s%I.%I ', CASE WHEN x.indisunique THEN 'UNIQUE ' END, c.relname,
                                        CASE c.relkind WHEN 'I' THEN 'ONLY ' END, tn.nspname, t.relname))) AS body,
               ' WITH (' || (SELECT string_agg(quote_ident(split_part(o, '=', 1)) || '=' ||
                                 CASE WHEN quote_ident(substr(o, strpos(o, '=') + 1)) = substr(o, strpos(o, '=') + 1)
                                      THEN substr(o, strpos(o, '=') + 1) ELSE quote_literal(substr(o, strpos(o, '=') + 1)) END, ', ' ORDER BY at)
                             FROM unnest(c.reloptions) WITH ORDINALITY AS u(o, at)) || ')' AS parameters,
               (SELECT json_agg(json_build_object(
                         'column', a.attname,
                         'expression', CASE WHEN a.attname IS NULL THEN pg_get_indexdef(c.oid, k, false) ELSE quote_ident(a.attname) END,
                         -- an expression's own collation is not in the catalog: that of the database is taken for it
                         'collation', CASE WHEN x.indcollation[k - 1] NOT IN (0, coalesce(a.attcollation, 'pg_catalog."default"'::regcollation))
                                           THEN (SELECT format('%I.%I', ln.nspname, l.collname) FROM pg_collation l
                                                 JOIN pg_namespace ln ON ln.oid = l.collnamespace WHERE l.oid = x.indcollation[k - 1]) END,
                         'usual_equality', o.opcdefault OR EXISTS (SELECT FROM pg_opclass d WHERE d.opcfamily = o.opcfamily AND d.opcdefault)) ORDER BY k)
                FROM generate_series(1, x.indnkeyatts) AS k
                JOIN pg_opclass o ON o.oid = x.indclass[k - 1]
                LEFT JOIN pg_attribute a ON a.attrelid = x.indrelid AND a.attnum = x.indkey[k - 1] AND a.attnum <> 0) AS keys,
               (x.indexprs IS NOT NULL OR x.indpred IS NOT NULL) AND EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid
                                                 AND d.refclassid = 'pg_type'::regclass) AS typed
        FROM pg_index x
        JOIN pg_class c ON c.oid = x.indexrelid
        JOIN pg_am m ON m.oid = c.relam
        JOIN pg_class t ON t.oid = x.indrelid
        JOIN pg_namespace tn ON tn.oid = t.relnamespace
    ) AS indexes)
