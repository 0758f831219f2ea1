-- The journal becomes that of the role that runs this, a superuser, table by table: whose it was goes on using it, and can put
-- nothing in the place of what others believe. The pinned policy is only read by him from then on,
-- and entries are only added.
DO $owner$
DECLARE
    one pg_catalog.record;
    given pg_catalog.record;
BEGIN
    FOR one IN
        SELECT c.oid, pg_catalog.format('trueup.%I', c.relname) AS name, pg_catalog.pg_get_userbyid(c.relowner) AS was,
               CASE c.relname WHEN 'policy' THEN 'SELECT' WHEN 'entry' THEN 'SELECT, INSERT' ELSE 'SELECT, INSERT, UPDATE, DELETE' END AS uses
        FROM pg_catalog.pg_class c
        WHERE c.relnamespace = 'trueup'::pg_catalog.regnamespace AND c.relkind = 'r'
          AND pg_catalog.pg_get_userbyid(c.relowner) <> CURRENT_USER AND c.relname = ANY (pg_catalog.string_to_array('$tables', ' '))
    LOOP
        EXECUTE pg_catalog.format('ALTER TABLE %s OWNER TO CURRENT_USER', one.name);
        -- what others were given before may be what they need to come back
$revoke
        EXECUTE pg_catalog.format('GRANT %s ON %s TO %I', one.uses, one.name, one.was);
    END LOOP;
    FOR one IN
        SELECT pg_catalog.pg_get_userbyid(n.nspowner) AS was FROM pg_catalog.pg_namespace n
        WHERE n.nspname = 'trueup' AND pg_catalog.pg_get_userbyid(n.nspowner) <> CURRENT_USER
    LOOP
        EXECUTE 'ALTER SCHEMA trueup OWNER TO CURRENT_USER';
        EXECUTE pg_catalog.format('GRANT USAGE, CREATE ON SCHEMA trueup TO %I', one.was);
    END LOOP;
END
$owner$;
