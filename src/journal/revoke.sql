        FOR given IN
            SELECT DISTINCT CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(a.grantee)) END AS role
            FROM pg_catalog.pg_class c, LATERAL pg_catalog.aclexplode(c.relacl) AS a
            WHERE c.oid = one.oid AND a.grantee <> c.relowner
        LOOP
            EXECUTE pg_catalog.format('REVOKE ALL ON %s FROM %s', one.name, given.role);
        END LOOP;
