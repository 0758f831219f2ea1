-- The journal is again that of the role to which hand_over.sql left the use of it, if there is one.
DO $owner$
DECLARE
    was pg_catalog.name := (
        SELECT pg_catalog.pg_get_userbyid(given.grantee)
        FROM pg_catalog.pg_namespace n, LATERAL pg_catalog.aclexplode(n.nspacl) AS given
        WHERE n.nspname = 'trueup' AND given.privilege_type = 'CREATE' AND given.grantee NOT IN (0, n.nspowner)
        ORDER BY given.grantee LIMIT 1);
    one pg_catalog.record;
BEGIN
    IF was IS NULL THEN
        RETURN;
    END IF;
    FOR one IN
        SELECT pg_catalog.format('trueup.%I', c.relname) AS name FROM pg_catalog.pg_class c
        WHERE c.relnamespace = 'trueup'::pg_catalog.regnamespace AND c.relkind = 'r'
          AND c.relname = ANY (pg_catalog.string_to_array('$tables', ' '))
    LOOP
        EXECUTE pg_catalog.format('ALTER TABLE %s OWNER TO %I', one.name, was);
    END LOOP;
    EXECUTE pg_catalog.format('ALTER SCHEMA trueup OWNER TO %I', was);
END
$owner$;
