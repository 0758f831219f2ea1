
-- ==== Whether it may run here: it refuses before anything is changed ====

DO $trueup$
DECLARE
    steps CONSTANT pg_catalog.int4[] := '«steps»';
    done pg_catalog.int4[] := '{}';
    reached pg_catalog.text[];
    last_way pg_catalog.text;
    last_outcome pg_catalog.text;
    one pg_catalog.record;
    problem pg_catalog.text;
    path pg_catalog.text := '';
    version CONSTANT pg_catalog.int4 := pg_catalog.current_setting('server_version_num');
BEGIN
«secrets»    IF pg_catalog.transaction_timestamp() <> pg_catalog.statement_timestamp() THEN
        RAISE EXCEPTION 'trueup: the script has transactions of its own: run it outside BEGIN, and without --single-transaction';
    END IF;
    IF version / 10000 <> «major» THEN
        RAISE EXCEPTION 'trueup: the plan was rehearsed on PostgreSQL «major», and this server is %: plan again', version / 10000;
    END IF;
    IF pg_catalog.pg_is_in_recovery() THEN
        RAISE EXCEPTION 'trueup: this server is a standby: connect to the primary';
    END IF;
    SELECT pg_catalog.string_agg(s.name, ', ' ORDER BY s.name) INTO problem FROM pg_catalog.pg_settings AS s
    WHERE s.source = 'client' AND s.name NOT IN ('application_name', 'client_encoding');
    IF problem IS NOT NULL THEN
        RAISE EXCEPTION 'trueup: PGOPTIONS, PGTZ or the connection string set %: run the script without that', problem;
    END IF;
«role»    IF NOT pg_catalog.has_database_privilege(pg_catalog.current_database(), 'TEMPORARY') THEN
        RAISE EXCEPTION 'trueup: role % may not create temporary functions, which the script needs: run `«command»`', current_user;
    END IF;
    IF NOT pg_catalog.pg_try_advisory_lock(«lock») THEN
        RAISE EXCEPTION 'trueup: another trueup or script is at work in this database: wait for its end';
    END IF;

    -- the journal has to be of somebody whose code the role would run anyway
    SELECT it.name INTO problem
    FROM (SELECT 'schema trueup' AS name, n.nspowner AS owner, false AS odd FROM pg_catalog.pg_namespace n WHERE n.nspname = 'trueup'
          UNION ALL
          SELECT 'trueup.' || c.relname, c.relowner,
                 c.relkind <> 'r' OR c.relrowsecurity OR c.relhasrules
                 OR EXISTS (SELECT FROM pg_catalog.pg_trigger t WHERE t.tgrelid = c.oid AND NOT t.tgisinternal)
          FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
          WHERE n.nspname = 'trueup' AND c.relname = ANY (
              '«tables»')) AS it
    JOIN pg_catalog.pg_roles r ON r.oid = it.owner
    WHERE it.odd OR NOT r.rolsuper AND r.rolname <> session_user
          AND (r.rolname <> current_user OR (SELECT own.rolsuper FROM pg_catalog.pg_roles own WHERE own.rolname = session_user))
    LIMIT 1;
    IF problem IS NOT NULL THEN
        RAISE EXCEPTION 'trueup: the journal, %, belongs to another role or is not what trueup made: run `«command»`', problem;
    END IF;

    IF pg_catalog.to_regclass('trueup.layout') IS NOT NULL THEN
        IF (SELECT l.version FROM trueup.layout l) IS DISTINCT FROM «layout» THEN
            RAISE EXCEPTION 'trueup: the journal has layout %, and the script writes «layout»: run `«command»`',
                (SELECT l.version FROM trueup.layout l);
        END IF;
        IF (SELECT p.body FROM trueup.policy p ORDER BY p.id DESC LIMIT 1) IS NOT NULL THEN
            RAISE EXCEPTION 'trueup: a policy is pinned in this database, and a script cannot check approvals: run `«command»`';
        END IF;
        IF EXISTS (SELECT FROM trueup.abandoned a
                   WHERE a.plan = '«digest»') THEN
            RAISE EXCEPTION 'trueup: this plan was abandoned here: plan again';
        END IF;
        done := ARRAY(
«done»
        );
        reached := ARRAY(
            SELECT r.phase FROM trueup.run r
            WHERE r.plan = '«digest»'
              AND r.direction = 'apply' AND r.outcome = 'done'
              AND NOT EXISTS (SELECT FROM trueup.run back WHERE back.plan = r.plan AND back.phase = r.phase
                              AND back.direction = 'rollback' AND back.id > r.id)
        );
        SELECT r.direction, r.outcome INTO last_way, last_outcome FROM trueup.run r
        WHERE r.plan = '«digest»' ORDER BY r.id DESC LIMIT 1;
«state»    «else»END IF;
«names»«kept»«coded»
    -- where such code finds what it names without a schema, as apply has it
    FOR one IN EXECUTE $query$
SELECT * FROM (
«schemas»
) AS it (name, trusted)
$query$ USING current_user::pg_catalog.text, pg_catalog.current_setting('trueup.schemas')::pg_catalog.text[],
              CASE WHEN version >= 160000 THEN 'SET' ELSE 'MEMBER' END LOOP
        IF one.trusted AND one.name <> 'pg_catalog' AND NOT pg_catalog.starts_with(one.name, 'pg_temp') THEN
            path := path || ', ' || pg_catalog.quote_ident(one.name);
        END IF;
    END LOOP;
    IF path <> '' THEN
        path := 'pg_catalog' || path || ', pg_temp';
    END IF;
    PERFORM pg_catalog.set_config('trueup.path_of_code', path, false);
    IF NOT («events») THEN
        path := '';
    END IF;
    PERFORM pg_catalog.set_config('trueup.path_of_ddl', path, false);
    BEGIN
        PERFORM pg_catalog.set_config('client_connection_check_interval', '1s', false);
    EXCEPTION WHEN invalid_parameter_value THEN
        NULL; -- not every system can
    END;
    IF version >= 170000 THEN
        PERFORM pg_catalog.set_config('transaction_timeout', '0', false);
    END IF;
END
$trueup$;
