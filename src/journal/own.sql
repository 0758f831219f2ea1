-- Nobody has been given anything of a new journal but by default privileges, which were meant for other tables.
DO $own$
DECLARE
    given pg_catalog.record;
BEGIN
    FOR given IN
        SELECT DISTINCT pg_catalog.format('trueup.%I', c.relname) AS name,
               CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(a.grantee)) END AS role
        FROM pg_catalog.pg_class c, LATERAL pg_catalog.aclexplode(c.relacl) AS a
        WHERE c.relnamespace = 'trueup'::pg_catalog.regnamespace AND c.relkind = 'r'
          AND c.relowner = CURRENT_USER::pg_catalog.regrole AND a.grantee <> c.relowner
    LOOP
        EXECUTE pg_catalog.format('REVOKE ALL ON %s FROM %s', given.name, given.role);
    END LOOP;
END
$own$;
