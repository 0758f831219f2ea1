-- Nobody has been given anything of a new journal but by default privileges, which were meant for other tables.
DO $own$
DECLARE
    one pg_catalog.record;
    given pg_catalog.record;
BEGIN
    FOR one IN
        SELECT c.oid, pg_catalog.format('trueup.%I', c.relname) AS name
        FROM pg_catalog.pg_class c
        WHERE c.relnamespace = 'trueup'::pg_catalog.regnamespace AND c.relkind = 'r'
          AND pg_catalog.pg_get_userbyid(c.relowner) = CURRENT_USER AND c.relname = ANY (pg_catalog.string_to_array('$tables', ' '))
    LOOP
$revoke
    END LOOP;
END
$own$;
