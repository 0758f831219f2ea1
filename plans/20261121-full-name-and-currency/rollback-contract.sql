-- rollback-contract.sql: undoes phase contract of plan full-name-and-currency with psql, in place of `trueup rollback`.
-- sha256 9fda7b90ce861d9ab2443f95474729ac409ac60d05873b231f05c29ee22f2772, scripts 1
--
--     psql -X -f rollback-contract.sql 'postgres://…'
--
-- The statements stand behind "==== rollback of contract ====": those of plan.toml, in apply's order and transactions, under its settings.
-- What stands before them refuses where they must not run, before anything is changed, and keeps the journal (schema trueup) as
-- apply does. So `trueup status`, `apply` and `rollback` go on from it; the journal says that psql ran it, and as which role.
-- Where it stops later (a lock that does not come, an error, Ctrl-C), what is done is in the journal: run it again, or
-- `trueup rollback`, and it goes on from there.
--
-- It does not check what only trueup can: approvals (where a policy is pinned, it refuses), whether the database is the one that
-- the plan was made for (it looks for names only), rows in the way, assumptions, other sessions, replication, disk, backups. It
-- runs no hooks, waits for each lock once, and does not prove the end: `trueup status` and the next `trueup apply` compare it.
-- Run it as the role that owns what it changes.
-- danger DATA_LOSS: column public.customers.fax comes back as NULL in every row

\set ON_ERROR_STOP on
\set ON_ERROR_ROLLBACK off
\set AUTOCOMMIT on
\set SINGLELINE off
\set FETCH_COUNT 0
\set QUIET on
\set SHOW_CONTEXT never
\encoding UTF8
RESET ALL;
\encoding UTF8

-- ==== The settings that apply has ====

SELECT pg_catalog.set_config('trueup.schemas', pg_catalog.current_schemas(false)::pg_catalog.text, false) AS trueup_ignored \gset
SET search_path TO '';
SET DateStyle TO 'ISO, MDY';
SET IntervalStyle TO 'postgres';
SET extra_float_digits TO 1;
SET bytea_output TO 'hex';
SET xmloption TO 'content';
SET quote_all_identifiers TO off;
SET standard_conforming_strings TO on;
SET check_function_bodies TO off;
SET row_security TO off;
SET default_transaction_isolation TO 'read committed';
SET default_transaction_read_only TO off;
SET default_transaction_deferrable TO off;
SET client_min_messages TO 'notice';
SET lock_timeout TO 0;
SET statement_timeout TO 0;
SET synchronous_commit TO on;
SET idle_in_transaction_session_timeout TO '60s';
SET tcp_keepalives_idle TO 30;

-- ==== Whether it may run here: it refuses before anything is changed ====

DO $trueup$
DECLARE
    steps CONSTANT pg_catalog.int4[] := '{10,11,12,13,14}';
    done pg_catalog.int4[] := '{}';
    reached pg_catalog.text[];
    last_way pg_catalog.text;
    last_outcome pg_catalog.text;
    one pg_catalog.record;
    problem pg_catalog.text;
    path pg_catalog.text := '';
    version CONSTANT pg_catalog.int4 := pg_catalog.current_setting('server_version_num');
BEGIN
    IF pg_catalog.transaction_timestamp() <> pg_catalog.statement_timestamp() THEN
        RAISE EXCEPTION 'trueup: the script has transactions of its own: run it outside BEGIN, and without --single-transaction';
    END IF;
    IF version / 10000 <> 15 THEN
        RAISE EXCEPTION 'trueup: the plan was rehearsed on PostgreSQL 15, and this server is %: plan again', version / 10000;
    END IF;
    IF pg_catalog.pg_is_in_recovery() THEN
        RAISE EXCEPTION 'trueup: this server is a standby: connect to the primary';
    END IF;
    SELECT pg_catalog.string_agg(s.name, ', ' ORDER BY s.name) INTO problem FROM pg_catalog.pg_settings AS s
    WHERE s.source = 'client' AND s.name NOT IN ('application_name', 'client_encoding');
    IF problem IS NOT NULL THEN
        RAISE EXCEPTION 'trueup: PGOPTIONS, PGTZ or the connection string set %: run the script without that', problem;
    END IF;
    IF NOT pg_catalog.has_database_privilege(pg_catalog.current_database(), 'TEMPORARY') THEN
        RAISE EXCEPTION 'trueup: role % may not create temporary functions, which the script needs: run `trueup rollback`', current_user;
    END IF;
    IF NOT pg_catalog.pg_try_advisory_lock(8390898134367076353) THEN
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
              '{abandoned,adoption,approval,backfill,ddl_event,entry,layout,plan,policy,reached,reached_at,refusal,run,step}')) AS it
    JOIN pg_catalog.pg_roles r ON r.oid = it.owner
    WHERE it.odd OR NOT r.rolsuper AND r.rolname <> session_user
          AND (r.rolname <> current_user OR (SELECT own.rolsuper FROM pg_catalog.pg_roles own WHERE own.rolname = session_user))
    LIMIT 1;
    IF problem IS NOT NULL THEN
        RAISE EXCEPTION 'trueup: the journal, %, belongs to another role or is not what trueup made: run `trueup rollback`', problem;
    END IF;

    IF pg_catalog.to_regclass('trueup.layout') IS NOT NULL THEN
        IF (SELECT l.version FROM trueup.layout l) IS DISTINCT FROM 9 THEN
            RAISE EXCEPTION 'trueup: the journal has layout %, and the script writes 9: run `trueup rollback`',
                (SELECT l.version FROM trueup.layout l);
        END IF;
        IF (SELECT p.body FROM trueup.policy p ORDER BY p.id DESC LIMIT 1) IS NOT NULL THEN
            RAISE EXCEPTION 'trueup: a policy is pinned in this database, and a script cannot check approvals: run `trueup rollback`';
        END IF;
        IF EXISTS (SELECT FROM trueup.abandoned a
                   WHERE a.plan = '9fda7b90ce861d9ab2443f95474729ac409ac60d05873b231f05c29ee22f2772') THEN
            RAISE EXCEPTION 'trueup: this plan was abandoned here: plan again';
        END IF;
        done := ARRAY(
            SELECT line.step
            FROM (SELECT DISTINCT ON (s.step) s.step, r.direction FROM trueup.step s JOIN trueup.run r ON r.id = s.run
                  WHERE r.plan = '9fda7b90ce861d9ab2443f95474729ac409ac60d05873b231f05c29ee22f2772' AND s.outcome = 'done'
                  ORDER BY s.step, r.id DESC, s.id DESC) AS line
            WHERE line.direction = 'apply'
        );
        reached := ARRAY(
            SELECT r.phase FROM trueup.run r
            WHERE r.plan = '9fda7b90ce861d9ab2443f95474729ac409ac60d05873b231f05c29ee22f2772'
              AND r.direction = 'apply' AND r.outcome = 'done'
              AND NOT EXISTS (SELECT FROM trueup.run back WHERE back.plan = r.plan AND back.phase = r.phase
                              AND back.direction = 'rollback' AND back.id > r.id)
        );
        SELECT r.direction, r.outcome INTO last_way, last_outcome FROM trueup.run r
        WHERE r.plan = '9fda7b90ce861d9ab2443f95474729ac409ac60d05873b231f05c29ee22f2772' ORDER BY r.id DESC LIMIT 1;
        IF NOT steps && done AND NOT EXISTS (SELECT FROM trueup.step s JOIN trueup.run r ON r.id = s.run
                                               WHERE r.plan = '9fda7b90ce861d9ab2443f95474729ac409ac60d05873b231f05c29ee22f2772' AND s.outcome IS NULL) THEN
            RAISE EXCEPTION 'trueup: contract of this plan is not applied in database %: there is nothing to undo', pg_catalog.current_database();
        END IF;
        IF done && '{}' THEN
            RAISE EXCEPTION 'trueup: contract of this plan is applied here: run rollback-contract.sql first';
        END IF;
    ELSE
        RAISE EXCEPTION 'trueup: database % has no journal: contract of this plan is not applied there', pg_catalog.current_database();
    END IF;
    -- triggers, defaults and checks are code of the owner, which would have the rights of the role that connected
    FOR one IN SELECT * FROM (VALUES
        ('public.customers', (SELECT o.relowner FROM pg_catalog.pg_class o WHERE o.oid = pg_catalog.to_regclass('public.customers')))
    ) AS it (name, owner) WHERE NOT pg_catalog.pg_has_role(it.owner, session_user, CASE WHEN version >= 160000 THEN 'SET' ELSE 'MEMBER' END) LOOP
        RAISE EXCEPTION 'trueup: % belongs to role %, whose code would run with the rights of role %: connect as its owner, or run `trueup rollback`',
            one.name, pg_catalog.pg_get_userbyid(one.owner), session_user;
    END LOOP;

    -- where such code finds what it names without a schema, as apply has it
    FOR one IN EXECUTE $query$
SELECT * FROM (
SELECT n.nspname::pg_catalog.text,
       NOT EXISTS (
       SELECT FROM (SELECT n.nspowner
                    UNION SELECT g.grantee FROM pg_catalog.aclexplode(n.nspacl) AS g WHERE g.privilege_type = 'CREATE'
                    UNION SELECT p.proowner FROM pg_catalog.pg_proc p WHERE p.pronamespace = n.oid
                    UNION SELECT o.oprowner FROM pg_catalog.pg_operator o WHERE o.oprnamespace = n.oid) AS puts (role)
        WHERE puts.role = 0
           OR NOT pg_catalog.pg_has_role(
                CASE WHEN puts.role = 'pg_database_owner'::pg_catalog.regrole
                     THEN (SELECT datdba FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())
                     ELSE puts.role END, $1::pg_catalog.text::pg_catalog.name, $3))
  FROM pg_catalog.unnest($2::pg_catalog.text[]) WITH ORDINALITY AS wanted (name, at)
  JOIN pg_catalog.pg_namespace n ON n.nspname = wanted.name
 WHERE pg_catalog.has_schema_privilege($1::pg_catalog.text::pg_catalog.name, n.oid, 'USAGE')
 ORDER BY wanted.at
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
    IF NOT (EXISTS (
    SELECT FROM pg_catalog.pg_event_trigger e
      JOIN pg_catalog.pg_proc p ON p.oid = e.evtfoid JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
     WHERE e.evtenabled <> 'D' AND n.nspname <> 'trueup')) THEN
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

-- ==== What writes the journal: functions that are gone with the session ====

BEGIN;
SELECT pg_catalog.set_config('search_path', pg_catalog.current_setting('trueup.path_of_ddl'), true) AS trueup_ignored \gset
-- Adds an entry to the chain.
CREATE OR REPLACE FUNCTION pg_temp.trueup_entry(pg_catalog.text, pg_catalog.text) RETURNS pg_catalog.void LANGUAGE plpgsql AS $trueup$
BEGIN
    LOOP
        INSERT INTO trueup.entry (id, written, kind, body, role, previous, hash)
         SELECT next.id, next.written, $1::pg_catalog.text, $2::pg_catalog.text, SESSION_USER, next.previous,
                pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(pg_catalog.concat_ws(E'\n', next.previous, next.id,
                  pg_catalog.to_char(next.written AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), $1::pg_catalog.text, $2::pg_catalog.text, SESSION_USER), 'UTF8')), 'hex')
         FROM (SELECT COALESCE(pg_catalog.max(e.id), 0) + 1 AS id, pg_catalog.clock_timestamp() AS written,
                      COALESCE((SELECT last.hash FROM trueup.entry AS last ORDER BY last.id DESC LIMIT 1),
                               '0000000000000000000000000000000000000000000000000000000000000000') AS previous
               FROM trueup.entry AS e) AS next
         ON CONFLICT DO NOTHING;
        EXIT WHEN FOUND;
    END LOOP;
END
$trueup$;
-- Whether something is left to do of a batch. A pooler may have given the session another backend.
CREATE OR REPLACE FUNCTION pg_temp.trueup_left(steps pg_catalog.int4[]) RETURNS pg_catalog.bool LANGUAGE plpgsql AS $trueup$
DECLARE
    done CONSTANT pg_catalog.int4[] := ARRAY(
            SELECT line.step
            FROM (SELECT DISTINCT ON (s.step) s.step, r.direction FROM trueup.step s JOIN trueup.run r ON r.id = s.run
                  WHERE r.plan = '9fda7b90ce861d9ab2443f95474729ac409ac60d05873b231f05c29ee22f2772' AND s.outcome = 'done'
                  ORDER BY s.step, r.id DESC, s.id DESC) AS line
            WHERE line.direction = 'apply'
    );
BEGIN
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_locks l WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
                   AND l.pid = pg_catalog.pg_backend_pid() AND (l.classid::pg_catalog.int8 << 32) | l.objid::pg_catalog.int8 = 8390898134367076353) THEN
        RAISE EXCEPTION 'trueup: this session does not hold trueup''s lock any more: connect without a pooler, and run the script again';
    END IF;
    RETURN steps && done;
END
$trueup$;
-- Sets where code, or event triggers that DDL fires, find what they name without a schema; nowhere else are such names looked up.
CREATE OR REPLACE PROCEDURE pg_temp.trueup_path(what pg_catalog.text, only_now pg_catalog.bool) LANGUAGE plpgsql AS $trueup$
BEGIN
    PERFORM pg_catalog.set_config('search_path', pg_catalog.current_setting('trueup.path_of_' || what), only_now);
END
$trueup$;
-- Writes that a batch is done, in its transaction.
CREATE OR REPLACE PROCEDURE pg_temp.trueup_done(of_batch pg_catalog.int4, steps pg_catalog.int4[]) LANGUAGE plpgsql AS $trueup$
DECLARE
    own_run CONSTANT pg_catalog.int8 := pg_catalog.current_setting('trueup.run');
BEGIN
    PERFORM pg_catalog.set_config('search_path', '', true);
    INSERT INTO trueup.step (run, step, batch, finished, outcome)
    SELECT own_run, one, of_batch, pg_catalog.clock_timestamp(), 'done' FROM pg_catalog.unnest(steps) AS one;
    PERFORM pg_temp.trueup_entry('batch', pg_catalog.format('{"batch":%s,"run":%s,"steps":[%s]}',
                                                            of_batch, own_run, pg_catalog.array_to_string(steps, ',')));
END
$trueup$;
-- Writes that a step outside a transaction is about to start.
CREATE OR REPLACE PROCEDURE pg_temp.trueup_started(of_batch pg_catalog.int4, this pg_catalog.int4) LANGUAGE plpgsql AS $trueup$
DECLARE
    own_run CONSTANT pg_catalog.int8 := pg_catalog.current_setting('trueup.run');
    line pg_catalog.int8;
BEGIN
    INSERT INTO trueup.step (run, step, batch) VALUES (own_run, this, of_batch) RETURNING id INTO line;
    PERFORM pg_temp.trueup_entry('step', pg_catalog.format('{"batch":%s,"run":%s,"step":%s}', of_batch, own_run, this));
    PERFORM pg_catalog.set_config('trueup.line', line::pg_catalog.text, false);
END
$trueup$;
-- Writes how a step outside a transaction ended, and which others are done with it.
CREATE OR REPLACE PROCEDURE pg_temp.trueup_ended(line pg_catalog.int8, how pg_catalog.text, also pg_catalog.int4[]) LANGUAGE plpgsql AS $trueup$
DECLARE
    one trueup.step;
BEGIN
    UPDATE trueup.step AS s SET finished = pg_catalog.clock_timestamp(), outcome = how WHERE s.id = line RETURNING s.* INTO one;
    INSERT INTO trueup.step (run, step, batch, finished, outcome)
    SELECT one.run, other, one.batch, one.finished, one.outcome FROM pg_catalog.unnest(also) AS other;
    PERFORM pg_temp.trueup_entry('step', pg_catalog.format('{"also":[%s],"outcome":"%s","run":%s,"step":%s}',
                                                           pg_catalog.array_to_string(also, ','), how, one.run, one.step));
END
$trueup$;
-- Fills rows batch by batch, each batch in a transaction that also says in the journal how far it came.
CREATE OR REPLACE PROCEDURE pg_temp.trueup_fill(this pg_catalog.int4, lock_ms pg_catalog.int4, of_table pg_catalog.text,
    ending pg_catalog.text, has_key pg_catalog.bool, skip_triggers pg_catalog.bool, rows_at_first pg_catalog.int8,
    statement pg_catalog.text) LANGUAGE plpgsql AS $trueup$
DECLARE
    after_key pg_catalog.text[];
    until_key pg_catalog.text[];
    last_key pg_catalog.text[];
    all_visited pg_catalog.int8;
    all_changed pg_catalog.int8;
    now_visited pg_catalog.int8;
    now_changed pg_catalog.int8;
    changed_in_pass pg_catalog.int8;
    size pg_catalog.int8 := rows_at_first;
    tries pg_catalog.int4 := 0;
    took pg_catalog.float8;
    began pg_catalog.timestamptz;
BEGIN
    SELECT b.cursor, b.until, b.visited, b.changed INTO after_key, until_key, all_visited, all_changed
    FROM trueup.backfill b WHERE b.plan = '9fda7b90ce861d9ab2443f95474729ac409ac60d05873b231f05c29ee22f2772' AND b.step = this;
    all_visited := COALESCE(all_visited, 0);
    all_changed := COALESCE(all_changed, 0);
    LOOP
        IF until_key IS NULL THEN
            EXECUTE ending INTO until_key;
        END IF;
        changed_in_pass := 0;
        LOOP
            began := pg_catalog.clock_timestamp();
            BEGIN
                PERFORM pg_catalog.set_config('lock_timeout', lock_ms::pg_catalog.text, true),
                        pg_catalog.set_config('enable_seqscan', 'off', true),
                        pg_catalog.set_config('enable_bitmapscan', 'off', true);
                IF skip_triggers THEN
                    PERFORM pg_catalog.set_config('session_replication_role', 'replica', true);
                END IF;
                PERFORM pg_catalog.set_config('search_path', pg_catalog.current_setting('trueup.path_of_code'), true);
                EXECUTE statement INTO now_visited, now_changed, last_key USING after_key, until_key, size;
                PERFORM pg_catalog.set_config('search_path', '', true);
                IF skip_triggers THEN
                    PERFORM pg_catalog.set_config('session_replication_role', 'origin', true);
                END IF;
                tries := 0;
            EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
                tries := tries + 1;
                IF tries > 20 THEN
                    RAISE;
                END IF;
            END;
            IF tries > 0 THEN
                -- others have the rows: fewer at once, and later
                ROLLBACK;
                size := GREATEST(size / 2, 10);
                PERFORM pg_catalog.pg_sleep(LEAST(0.2 * tries, 2));
                CONTINUE;
            END IF;
            all_visited := all_visited + now_visited;
            all_changed := all_changed + now_changed;
            changed_in_pass := changed_in_pass + now_changed;
            INSERT INTO trueup.backfill AS b (plan, step, cursor, until, visited, changed, updated)
            VALUES ('9fda7b90ce861d9ab2443f95474729ac409ac60d05873b231f05c29ee22f2772', this, COALESCE(last_key, after_key), until_key, all_visited, all_changed, pg_catalog.clock_timestamp())
            ON CONFLICT (plan, step) DO UPDATE SET cursor = EXCLUDED.cursor, until = EXCLUDED.until, visited = EXCLUDED.visited,
                                                   changed = EXCLUDED.changed, updated = EXCLUDED.updated;
            COMMIT;
            EXIT WHEN last_key IS NULL;
            after_key := last_key;
            took := EXTRACT(epoch FROM pg_catalog.clock_timestamp() - began);
            IF took < 0.1 THEN
                size := LEAST(size * 2, 50000);
            ELSIF took > 0.5 THEN
                size := GREATEST(size / 2, 10);
            END IF;
        END LOOP;
        -- without a key, rows may have moved to where the pass had been
        EXIT WHEN has_key OR changed_in_pass = 0;
        after_key := NULL;
        until_key := NULL;
    END LOOP;
    BEGIN
        PERFORM pg_catalog.set_config('lock_timeout', '2000', true);
        EXECUTE 'ANALYZE ' || of_table;
    EXCEPTION WHEN OTHERS THEN
        RAISE NOTICE 'trueup: % is not analysed: %', of_table, SQLERRM;
    END;
END
$trueup$;
COMMIT;

-- ==== What an earlier run may have left in the middle of a step ====

DO $trueup$
DECLARE
    one pg_catalog.record;
    is_done pg_catalog.bool;
BEGIN
    IF pg_catalog.to_regclass('trueup.layout') IS NULL THEN
        RETURN;
    END IF;
    FOR one IN
        SELECT s.id, s.step, r.backend_pid, r.backend_start, it.operation, it.name, it.parent, it.also
        FROM trueup.step s JOIN trueup.run r ON r.id = s.run
        LEFT JOIN (VALUES
            (12, 'rollback', 'fill', NULL::pg_catalog.text, NULL::pg_catalog.text, '{}')
        ) AS it (step, direction, operation, name, parent, also) ON it.step = s.step AND it.direction = r.direction
        WHERE r.plan = '9fda7b90ce861d9ab2443f95474729ac409ac60d05873b231f05c29ee22f2772' AND s.outcome IS NULL
          AND NOT EXISTS (SELECT FROM trueup.step later WHERE later.id > s.id AND later.step = s.step AND later.outcome = 'done'
                          AND later.run IN (SELECT own.id FROM trueup.run own WHERE own.plan = r.plan))
        ORDER BY s.id
    LOOP
        IF EXISTS (SELECT FROM pg_catalog.pg_stat_activity a WHERE a.pid = one.backend_pid AND a.backend_start = one.backend_start
                   AND a.pid <> pg_catalog.pg_backend_pid()) THEN
            RAISE EXCEPTION 'trueup: step % still runs in backend %: wait for its end', one.step, one.backend_pid;
        END IF;
        is_done := CASE one.operation
            WHEN 'fill' THEN false
            WHEN 'build' THEN (SELECT i.indisvalid FROM pg_catalog.pg_index i WHERE i.indexrelid = pg_catalog.to_regclass(one.name))
            WHEN 'drop' THEN pg_catalog.to_regclass(one.name) IS NULL
            WHEN 'detach' THEN NOT EXISTS (SELECT FROM pg_catalog.pg_inherits i WHERE i.inhrelid = pg_catalog.to_regclass(one.name)
                                           AND i.inhparent = pg_catalog.to_regclass(one.parent))
        END;
        IF one.operation IS NULL
           OR one.operation = 'build' AND NOT is_done AND true
           OR one.operation = 'detach' AND EXISTS (SELECT FROM pg_catalog.pg_inherits i WHERE i.inhdetachpending
                                                   AND i.inhrelid = pg_catalog.to_regclass(one.name)) THEN
            RAISE EXCEPTION 'trueup: step % was interrupted, and left something that the script cannot judge: go on with `trueup rollback`', one.step;
        END IF;
        is_done := COALESCE(is_done, false);
        CALL pg_temp.trueup_ended(one.id, CASE WHEN is_done THEN 'done' ELSE 'not done' END,
                                  CASE WHEN is_done THEN one.also::pg_catalog.int4[] ELSE '{}' END);
    END LOOP;
END
$trueup$;

-- ==== The run begins: the journal is made where there is none, and has the plan as plan.toml says it ====

SELECT pg_catalog.to_regclass('trueup.layout') IS NULL AS trueup_fresh \gset
BEGIN;
SET LOCAL lock_timeout = '10s';
DO $trueup$
DECLARE
    own_run pg_catalog.int8;
BEGIN
    IF NOT EXISTS (SELECT FROM trueup.plan p WHERE p.digest = '9fda7b90ce861d9ab2443f95474729ac409ac60d05873b231f05c29ee22f2772'
                   AND pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(p.body, 'UTF8')), 'hex') = p.digest) THEN
        RAISE EXCEPTION 'trueup: the journal or this file does not have the plan as it was made: a line, or its line ends, were changed';
    END IF;
    DELETE FROM trueup.backfill WHERE plan = '9fda7b90ce861d9ab2443f95474729ac409ac60d05873b231f05c29ee22f2772';
    INSERT INTO trueup.run (plan, name, phase, direction, schemas, tool, backend_start)
    SELECT '9fda7b90ce861d9ab2443f95474729ac409ac60d05873b231f05c29ee22f2772', 'full-name-and-currency', 'contract', 'rollback', ARRAY['public']::pg_catalog.text[], 'psql, script of trueup 0.1.0', a.backend_start
    FROM pg_catalog.pg_stat_activity a WHERE a.pid = pg_catalog.pg_backend_pid()
    RETURNING id INTO own_run;
    PERFORM pg_temp.trueup_entry('run', '{"accepted":[],"approvals":[],"backup":null,"direction":"rollback","glass":null,"name":"full-name-and-currency","note":null,"phase":"contract","plan":"9fda7b90ce861d9ab2443f95474729ac409ac60d05873b231f05c29ee22f2772","run":' || own_run || ',"tool":"psql, script of trueup 0.1.0"}');
    PERFORM pg_catalog.set_config('trueup.run', own_run::pg_catalog.text, false);
END
$trueup$;
COMMIT;
\set SHOW_CONTEXT errors

-- ==== rollback of contract ====

-- batch 13
\echo batch 13, steps 14, 13
SELECT pg_temp.trueup_left('{14,13}') AS trueup_left \gset
\if :trueup_left
BEGIN;
CALL pg_temp.trueup_path('ddl', true);
SET LOCAL lock_timeout = 2000; SET LOCAL statement_timeout = 0;
-- step 14: undo: drop column fax of public.customers
CALL pg_temp.trueup_path('code', true);
ALTER TABLE public.customers ADD COLUMN fax text;
CALL pg_temp.trueup_path('ddl', true);
SET LOCAL lock_timeout = 2000; SET LOCAL statement_timeout = 30000;
-- step 13: undo: rename column name of public.customers to full_name
CREATE SEQUENCE trueup.writes_bbec0a38;
CREATE SEQUENCE trueup.last_bbec0a38;
CREATE FUNCTION trueup.sync_bbec0a38() RETURNS pg_catalog.trigger LANGUAGE plpgsql AS $$BEGIN
    IF pg_catalog.record_image_eq(ROW(NEW.name), ROW(NEW.full_name)) THEN RETURN NEW; END IF;
    IF TG_OP OPERATOR(pg_catalog.=) 'INSERT' THEN
        IF pg_catalog.record_image_eq(ROW(NEW.full_name), ROW(NULL::text)) THEN NEW.full_name := NEW.name;
        ELSIF pg_catalog.record_image_eq(ROW(NEW.name), ROW(NULL::text)) THEN NEW.name := NEW.full_name;
        ELSE RAISE EXCEPTION USING ERRCODE = '23514', MESSAGE = 'name and full_name of public.customers are one column under two names, and were given different values';
        END IF;
    ELSIF pg_catalog.record_image_eq(ROW(NEW.name), ROW(OLD.name)) THEN NEW.name := NEW.full_name;
    ELSIF pg_catalog.record_image_eq(ROW(NEW.full_name), ROW(OLD.full_name)) THEN NEW.full_name := NEW.name;
    ELSE RAISE EXCEPTION USING ERRCODE = '23514', MESSAGE = 'name and full_name of public.customers are one column under two names, and were given different values';
    END IF;
    RETURN NEW;
END$$;
CREATE FUNCTION trueup.mirror_bbec0a38() RETURNS pg_catalog.trigger LANGUAGE plpgsql AS $$BEGIN
    NEW.full_name := NEW.name;
    RETURN NEW;
END$$;
CREATE FUNCTION trueup.seen_bbec0a38() RETURNS pg_catalog.trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$BEGIN
    PERFORM pg_catalog.nextval('trueup.writes_bbec0a38'), pg_catalog.setval('trueup.last_bbec0a38', pg_catalog.date_part('epoch', pg_catalog.clock_timestamp())::pg_catalog.int8);
    RETURN NEW;
END$$;
ALTER TABLE public.customers ADD COLUMN name text;
CREATE TRIGGER "!!trueup_seen_bbec0a38" BEFORE UPDATE ON public.customers FOR EACH ROW WHEN (pg_catalog.record_image_ne(ROW(OLD.full_name), ROW(NEW.full_name)) AND pg_catalog.record_image_eq(ROW(OLD.name), ROW(NEW.name))) EXECUTE FUNCTION trueup.seen_bbec0a38();
CREATE TRIGGER "!!trueup_seen_bbec0a38_new" BEFORE INSERT ON public.customers FOR EACH ROW WHEN (pg_catalog.record_image_ne(ROW(NEW.full_name), ROW(NULL::text)) AND pg_catalog.record_image_eq(ROW(NEW.name), ROW(NULL::text))) EXECUTE FUNCTION trueup.seen_bbec0a38();
CREATE TRIGGER "!trueup_sync_bbec0a38" BEFORE INSERT OR UPDATE ON public.customers FOR EACH ROW EXECUTE FUNCTION trueup.sync_bbec0a38();
CREATE TRIGGER "~trueup_mirror_bbec0a38" BEFORE INSERT OR UPDATE ON public.customers FOR EACH ROW WHEN (pg_catalog.record_image_ne(ROW(NEW.full_name), ROW(NEW.name))) EXECUTE FUNCTION trueup.mirror_bbec0a38();
ALTER TABLE public.customers ENABLE ALWAYS TRIGGER "!trueup_sync_bbec0a38";
ALTER TABLE public.customers ENABLE ALWAYS TRIGGER "~trueup_mirror_bbec0a38";
ALTER TABLE public.customers ADD CONSTRAINT trueup_equal_bbec0a38 CHECK (pg_catalog.record_image_eq(ROW(full_name), ROW(name))) NOT VALID;
CALL pg_temp.trueup_done(13, '{14,13}');
COMMIT;
\endif

-- batch 12, outside any transaction
\echo batch 12, step 12
SELECT pg_temp.trueup_left('{12}') AS trueup_left \gset
\if :trueup_left
-- step 12: undo: on the way back, fill column public.customers.name with what is in full_name
CALL pg_temp.trueup_started(12, 12);
CALL pg_temp.trueup_fill(12, 2000, 'public.customers',
$$SELECT ARRAY[id::pg_catalog.text] FROM ONLY public.customers ORDER BY id DESC LIMIT 1$$, true, false, 1000,
$$WITH visited (trueup_1) AS MATERIALIZED (
    SELECT id FROM ONLY public.customers
    WHERE ($1::pg_catalog.text[] IS NULL OR (id) > (($1::pg_catalog.text[])[1]::bigint)) AND (id) <= (($2::pg_catalog.text[])[1]::bigint)
    ORDER BY id LIMIT $3::pg_catalog.int8
), changed AS (
    UPDATE ONLY public.customers AS customers SET name = full_name
    WHERE ($1::pg_catalog.text[] IS NULL OR (customers.id) > (($1::pg_catalog.text[])[1]::bigint))
    AND (customers.id) <= (SELECT trueup_1 FROM visited ORDER BY trueup_1 DESC LIMIT 1)
    AND (pg_catalog.record_image_ne(ROW(full_name), ROW(name))) AND (full_name) IS NOT NULL
    RETURNING 1
)
SELECT (SELECT count(*) FROM visited), (SELECT count(*) FROM changed), (SELECT ARRAY[trueup_1::pg_catalog.text] FROM visited ORDER BY trueup_1 DESC LIMIT 1)$$);
CALL pg_temp.trueup_ended(pg_catalog.current_setting('trueup.line')::pg_catalog.int8, 'done', '{}');
\endif

-- batch 11
\echo batch 11, step 11
SELECT pg_temp.trueup_left('{11}') AS trueup_left \gset
\if :trueup_left
BEGIN;
CALL pg_temp.trueup_path('ddl', true);
SET LOCAL lock_timeout = 2000; SET LOCAL statement_timeout = 0;
-- step 11: undo: on the way back, validate that name and full_name of public.customers are equal
CALL pg_temp.trueup_path('code', true);
ALTER TABLE public.customers VALIDATE CONSTRAINT trueup_equal_bbec0a38;
CALL pg_temp.trueup_path('ddl', true);
CALL pg_temp.trueup_done(11, '{11}');
COMMIT;
\endif

-- batch 10
\echo batch 10, step 10
SELECT pg_temp.trueup_left('{10}') AS trueup_left \gset
\if :trueup_left
BEGIN;
CALL pg_temp.trueup_path('ddl', true);
SET LOCAL lock_timeout = 2000; SET LOCAL statement_timeout = 30000;
-- step 10: undo: on the way back, exchange name and full_name of public.customers
ALTER TABLE public.customers RENAME COLUMN full_name TO trueup_aside_bbec0a38;
ALTER TABLE public.customers RENAME COLUMN name TO full_name;
ALTER TABLE public.customers RENAME COLUMN trueup_aside_bbec0a38 TO name;
CALL pg_temp.trueup_done(10, '{10}');
COMMIT;
\endif

-- ==== The run ends ====

BEGIN;
UPDATE trueup.run SET finished = pg_catalog.clock_timestamp(), outcome = 'done', remark = 'no approval was asked for, and the end is not proven'
WHERE id = pg_catalog.current_setting('trueup.run')::pg_catalog.int8;
SELECT pg_temp.trueup_entry('end', '{"outcome":"done","remark":"no approval was asked for, and the end is not proven","run":' || pg_catalog.current_setting('trueup.run') || '}') AS trueup_ignored \gset
COMMIT;
SELECT pg_catalog.pg_advisory_unlock(8390898134367076353) AS trueup_ignored \gset
-- no backticks here: psql would run what is between them
\echo 'contract rolled back, not proven: "trueup status" and "trueup verify PLAN" compare the database with the plan'
