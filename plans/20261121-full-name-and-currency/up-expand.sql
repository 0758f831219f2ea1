-- up-expand.sql: applies phase expand of plan full-name-and-currency with psql, in place of `trueup apply`.
-- sha256 9fda7b90ce861d9ab2443f95474729ac409ac60d05873b231f05c29ee22f2772, scripts 1
--
--     psql -X -f up-expand.sql 'postgres://…'
--
-- The statements stand behind "==== expand ====": those of plan.toml, in apply's order and transactions, under its settings.
-- What stands before them refuses where they must not run, before anything is changed, and keeps the journal (schema trueup) as
-- apply does. So `trueup status`, `apply` and `rollback` go on from it; the journal says that psql ran it, and as which role.
-- Where it stops later (a lock that does not come, an error, Ctrl-C), what is done is in the journal: run it again, or
-- `trueup apply`, and it goes on from there.
--
-- It does not check what only trueup can: approvals (where a policy is pinned, it refuses), whether the database is the one that
-- the plan was made for (it looks for names only), rows in the way, assumptions, other sessions, replication, disk, backups. It
-- runs no hooks, waits for each lock once, and does not prove the end: `trueup status` and the next `trueup apply` compare it.
-- Run it as the role that owns what it changes.

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
    steps CONSTANT pg_catalog.int4[] := '{1,2,3,4,5,6,7,8,9}';
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
        RAISE EXCEPTION 'trueup: role % may not create temporary functions, which the script needs: run `trueup apply`', current_user;
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
        RAISE EXCEPTION 'trueup: the journal, %, belongs to another role or is not what trueup made: run `trueup apply`', problem;
    END IF;

    IF pg_catalog.to_regclass('trueup.layout') IS NOT NULL THEN
        IF (SELECT l.version FROM trueup.layout l) IS DISTINCT FROM 9 THEN
            RAISE EXCEPTION 'trueup: the journal has layout %, and the script writes 9: run `trueup apply`',
                (SELECT l.version FROM trueup.layout l);
        END IF;
        IF (SELECT p.body FROM trueup.policy p ORDER BY p.id DESC LIMIT 1) IS NOT NULL THEN
            RAISE EXCEPTION 'trueup: a policy is pinned in this database, and a script cannot check approvals: run `trueup apply`';
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
        IF done && '{10,11,12,13,14}' OR steps <@ done AND 'expand' = ANY (reached) THEN
            RAISE EXCEPTION 'trueup: expand of this plan is applied here already';
        END IF;
        IF steps && done AND last_way = 'rollback' AND NOT steps <@ done THEN
            RAISE EXCEPTION 'trueup: expand of this plan is half undone here: go on with rollback-expand.sql or `trueup rollback`';
        END IF;
        IF steps <@ done AND last_outcome = 'stopped' THEN
            RAISE EXCEPTION 'trueup: all steps of expand are done here, and what they led to was not what was rehearsed: run `trueup apply`';
        END IF;
    END IF;
    -- where nothing of it is begun. Only names: whether it is what the plan was made for, `trueup verify` says
    IF last_way IS DISTINCT FROM 'apply' THEN
        SELECT pg_catalog.format(CASE WHEN it.expected THEN 'there is no %s' ELSE 'there is %s already' END, it.name) INTO problem
        FROM (VALUES
            ('table public.customers', true, 'public.customers', NULL::pg_catalog.name),
            ('table public.orders', true, 'public.orders', NULL::pg_catalog.name),
            ('table public.reviews', true, 'public.reviews', NULL::pg_catalog.name),
            ('column public.customers.created_at', true, 'public.customers', 'created_at'::pg_catalog.name),
            ('column public.customers.email', true, 'public.customers', 'email'::pg_catalog.name),
            ('column public.customers.fax', true, 'public.customers', 'fax'::pg_catalog.name),
            ('column public.customers.full_name', false, 'public.customers', 'full_name'::pg_catalog.name),
            ('column public.customers.id', true, 'public.customers', 'id'::pg_catalog.name),
            ('column public.customers.name', true, 'public.customers', 'name'::pg_catalog.name),
            ('column public.customers.phone', true, 'public.customers', 'phone'::pg_catalog.name),
            ('column public.customers.updated_at', true, 'public.customers', 'updated_at'::pg_catalog.name),
            ('column public.order_items.order_id', true, 'public.order_items', 'order_id'::pg_catalog.name),
            ('column public.order_items.quantity', true, 'public.order_items', 'quantity'::pg_catalog.name),
            ('column public.order_items.unit_price', true, 'public.order_items', 'unit_price'::pg_catalog.name),
            ('column public.orders.currency', false, 'public.orders', 'currency'::pg_catalog.name),
            ('column public.orders.customer_id', true, 'public.orders', 'customer_id'::pg_catalog.name),
            ('column public.orders.id', true, 'public.orders', 'id'::pg_catalog.name),
            ('column public.orders.placed_at', true, 'public.orders', 'placed_at'::pg_catalog.name),
            ('column public.orders.status', true, 'public.orders', 'status'::pg_catalog.name),
            ('column public.reviews.customer_id', true, 'public.reviews', 'customer_id'::pg_catalog.name),
            ('view public.customer_sales', true, 'public.customer_sales', NULL::pg_catalog.name),
            ('view public.order_totals', true, 'public.order_totals', NULL::pg_catalog.name),
            ('index public.reviews_customer_id_idx', false, 'public.reviews_customer_id_idx', NULL::pg_catalog.name)
        ) AS it (name, expected, relation, attribute)
        WHERE it.expected <> CASE WHEN it.attribute IS NULL THEN pg_catalog.to_regclass(it.relation) IS NOT NULL
                                  ELSE EXISTS (SELECT FROM pg_catalog.pg_attribute a WHERE a.attrelid = pg_catalog.to_regclass(it.relation)
                                               AND a.attname = it.attribute AND NOT a.attisdropped) END
        LIMIT 1;
        IF problem IS NOT NULL THEN
            RAISE EXCEPTION 'trueup: % in database %, for which the plan was not made: name the right one, or plan again',
                problem, pg_catalog.current_database();
        END IF;
    END IF;
    -- what is made anew belongs to the role that makes it
    FOR one IN SELECT * FROM (VALUES
        ('public.order_totals', (SELECT o.relowner FROM pg_catalog.pg_class o WHERE o.oid = pg_catalog.to_regclass('public.order_totals')))
    ) AS it (name, owner) WHERE it.owner <> (SELECT r.oid FROM pg_catalog.pg_roles r WHERE r.rolname = current_user) LOOP
        RAISE EXCEPTION 'trueup: % belongs to role %, and would from then on belong to role %: run the script as its owner, or `trueup apply`',
            one.name, pg_catalog.pg_get_userbyid(one.owner), current_user;
    END LOOP;
    -- triggers, defaults and checks are code of the owner, which would have the rights of the role that connected
    FOR one IN SELECT * FROM (VALUES
        ('public.customers', (SELECT o.relowner FROM pg_catalog.pg_class o WHERE o.oid = pg_catalog.to_regclass('public.customers'))),
        ('public.orders', (SELECT o.relowner FROM pg_catalog.pg_class o WHERE o.oid = pg_catalog.to_regclass('public.orders'))),
        ('public.reviews', (SELECT o.relowner FROM pg_catalog.pg_class o WHERE o.oid = pg_catalog.to_regclass('public.reviews')))
    ) AS it (name, owner) WHERE NOT pg_catalog.pg_has_role(it.owner, session_user, CASE WHEN version >= 160000 THEN 'SET' ELSE 'MEMBER' END) LOOP
        RAISE EXCEPTION 'trueup: % belongs to role %, whose code would run with the rights of role %: connect as its owner, or run `trueup apply`',
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
    RETURN NOT steps <@ done;
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
-- Whether CREATE INDEX CONCURRENTLY has left an index that is not valid.
CREATE OR REPLACE FUNCTION pg_temp.trueup_invalid(name pg_catalog.text) RETURNS pg_catalog.bool LANGUAGE plpgsql AS $trueup$
DECLARE
    builder pg_catalog.int4;
BEGIN
    SELECT p.pid INTO builder FROM pg_catalog.pg_stat_progress_create_index p WHERE p.index_relid = pg_catalog.to_regclass(name);
    IF FOUND THEN
        RAISE EXCEPTION 'trueup: backend % is building index %: wait for its end', builder, name;
    END IF;
    RETURN EXISTS (SELECT FROM pg_catalog.pg_index i WHERE i.indexrelid = pg_catalog.to_regclass(name) AND NOT i.indisvalid);
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
            (2, 'apply', 'fill', NULL::pg_catalog.text, NULL::pg_catalog.text, '{}'),
            (7, 'apply', 'build', 'public.reviews_customer_id_idx'::pg_catalog.text, NULL::pg_catalog.text, '{}'),
            (7, 'rollback', 'drop', 'public.reviews_customer_id_idx'::pg_catalog.text, NULL::pg_catalog.text, '{}')
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
           OR one.operation = 'build' AND NOT is_done AND false
           OR one.operation = 'detach' AND EXISTS (SELECT FROM pg_catalog.pg_inherits i WHERE i.inhdetachpending
                                                   AND i.inhrelid = pg_catalog.to_regclass(one.name)) THEN
            RAISE EXCEPTION 'trueup: step % was interrupted, and left something that the script cannot judge: go on with `trueup apply`', one.step;
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
\if :trueup_fresh
CALL pg_temp.trueup_path('ddl', true);
DO $trueup$
BEGIN
    IF pg_catalog.to_regnamespace('trueup') IS NULL THEN
        CREATE SCHEMA trueup;
        COMMENT ON SCHEMA trueup IS 'trueup: the journal of schema changes';
    END IF;
END
$trueup$;
-- The journal's tables, layout 1; journal/adoption.sql makes it layout 2. Runs in one transaction, with search_path
-- empty, after the schema exists.
CREATE TABLE trueup.layout (version pg_catalog.int4 PRIMARY KEY);
COMMENT ON TABLE trueup.layout IS 'trueup: the version of these tables';
INSERT INTO trueup.layout (version) VALUES (1);

CREATE TABLE trueup.run (
    id             pg_catalog.int8 GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    plan           pg_catalog.text NOT NULL,
    name           pg_catalog.text NOT NULL,
    phase          pg_catalog.text NOT NULL CHECK (phase IN ('expand', 'contract')),
    direction      pg_catalog.text NOT NULL CHECK (direction IN ('apply', 'rollback')),
    started        pg_catalog.timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    finished       pg_catalog.timestamptz,
    outcome        pg_catalog.text CHECK (outcome IN ('done', 'stopped')),
    remark         pg_catalog.text,
    schemas        pg_catalog.text[] NOT NULL,
    tool           pg_catalog.text NOT NULL,
    role           pg_catalog.text NOT NULL DEFAULT SESSION_USER,
    client         pg_catalog.text DEFAULT pg_catalog.host(pg_catalog.inet_client_addr()),
    backend_pid    pg_catalog.int4 NOT NULL DEFAULT pg_catalog.pg_backend_pid(),
    backend_start  pg_catalog.timestamptz
);
COMMENT ON TABLE trueup.run IS 'trueup: one line for each time that a phase of a plan was applied or rolled back';
COMMENT ON COLUMN trueup.run.plan IS 'the SHA-256 of plan.toml';
COMMENT ON COLUMN trueup.run.outcome IS 'done: proven equal to the checkpoint; stopped: part-way; NULL: running, or its client died';
COMMENT ON COLUMN trueup.run.schemas IS 'the schemas that the plan manages';
COMMENT ON COLUMN trueup.run.backend_start IS 'with backend_pid: the session that ran it';

CREATE TABLE trueup.step (
    id        pg_catalog.int8 GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    run       pg_catalog.int8 NOT NULL REFERENCES trueup.run (id),
    step      pg_catalog.int4 NOT NULL,
    batch     pg_catalog.int4 NOT NULL,
    started   pg_catalog.timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    finished  pg_catalog.timestamptz,
    outcome   pg_catalog.text CHECK (outcome IN ('done', 'not done'))
);
CREATE INDEX ON trueup.step (run);
COMMENT ON TABLE trueup.step IS 'trueup: the steps that ran. Those of a transaction are committed with it; one outside a transaction is written before and after';
COMMENT ON COLUMN trueup.step.outcome IS 'done; not done: it failed, or was found to have had no effect; NULL: started, and its end is in doubt';

CREATE TABLE trueup.approval (
    run       pg_catalog.int8 NOT NULL REFERENCES trueup.run (id),
    approver  pg_catalog.text NOT NULL,
    role      pg_catalog.text,
    accepts   pg_catalog.text[] NOT NULL,
    reason    pg_catalog.text,
    created   pg_catalog.timestamptz NOT NULL,
    expires   pg_catalog.timestamptz,
    PRIMARY KEY (run, approver)
);
COMMENT ON TABLE trueup.approval IS 'trueup: the approvals under which a phase was applied';
-- What layout 2 of the journal adds to layout 1. Runs in one transaction, with search_path empty.
CREATE TABLE trueup.adoption (
    id              pg_catalog.int8 GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    adopted         pg_catalog.timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    schemas         pg_catalog.text[] NOT NULL,
    objects         pg_catalog.int8 NOT NULL,
    fingerprint     pg_catalog.text NOT NULL,
    server_version  pg_catalog.int4 NOT NULL,
    tool            pg_catalog.text NOT NULL,
    role            pg_catalog.text NOT NULL DEFAULT SESSION_USER,
    client          pg_catalog.text DEFAULT pg_catalog.host(pg_catalog.inet_client_addr())
);
COMMENT ON TABLE trueup.adoption IS 'trueup: one line for each time that the database was taken as it was';
COMMENT ON COLUMN trueup.adoption.schemas IS 'the schemas that are managed from then on';
COMMENT ON COLUMN trueup.adoption.fingerprint IS 'the SHA-256 of their objects, as this version of trueup reads them from this version of the server';
UPDATE trueup.layout SET version = 2;
-- What layout 3 of the journal adds to layout 2. Runs in one transaction, with search_path empty.
CREATE TABLE trueup.backfill (
    plan     pg_catalog.text NOT NULL,
    step     pg_catalog.int4 NOT NULL,
    cursor   pg_catalog.text[],
    until    pg_catalog.text[],
    visited  pg_catalog.int8 NOT NULL,
    changed  pg_catalog.int8 NOT NULL,
    updated  pg_catalog.timestamptz NOT NULL,
    PRIMARY KEY (plan, step)
);
COMMENT ON TABLE trueup.backfill IS 'trueup: how far each backfill is; written in the transaction of each batch of rows';
COMMENT ON COLUMN trueup.backfill.cursor IS 'the last key that was visited, or the next block where the table has no key';
COMMENT ON COLUMN trueup.backfill.until IS 'the last key that there was when the backfill began';
UPDATE trueup.layout SET version = 3;
-- What layout 4 of the journal adds to layout 3. Runs in one transaction, with search_path empty.
CREATE TABLE trueup.plan (
    digest  pg_catalog.text PRIMARY KEY,
    phases  pg_catalog.text[] NOT NULL,
    body    pg_catalog.text NOT NULL
);
COMMENT ON TABLE trueup.plan IS 'trueup: the plans that were applied, so that one that is between its phases is known to who plans meanwhile';
COMMENT ON COLUMN trueup.plan.body IS 'plan.toml';
UPDATE trueup.layout SET version = 4;
-- What layout 5 of the journal adds to layout 4. Runs in one transaction, with search_path empty.
CREATE TABLE trueup.policy (
    id      pg_catalog.int8 GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    pinned  pg_catalog.timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    body    pg_catalog.text,
    role    pg_catalog.text NOT NULL DEFAULT SESSION_USER,
    client  pg_catalog.text DEFAULT pg_catalog.host(pg_catalog.inet_client_addr())
);
COMMENT ON TABLE trueup.policy IS 'trueup: what approvals must amount to here, whatever trueup.toml says; the last line holds';
COMMENT ON COLUMN trueup.policy.body IS 'the policy as JSON; NULL: none';
UPDATE trueup.layout SET version = 5;
-- What layout 6 of the journal adds to layout 5. Runs in one transaction, with search_path empty.
ALTER TABLE trueup.run ADD COLUMN backup pg_catalog.text;
COMMENT ON COLUMN trueup.run.backup IS 'what the command that proves a backup said before the run; NULL: none was asked for';
UPDATE trueup.layout SET version = 6;
-- What layout 7 of the journal adds to layout 6. Runs in one transaction, with search_path empty.
CREATE TABLE trueup.abandoned (
    plan    pg_catalog.text PRIMARY KEY,
    name    pg_catalog.text NOT NULL,
    ended   pg_catalog.timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    reason  pg_catalog.text,
    tool    pg_catalog.text NOT NULL,
    role    pg_catalog.text NOT NULL DEFAULT SESSION_USER
);
COMMENT ON TABLE trueup.abandoned IS 'trueup: the plans that are neither finished nor rolled back, and will not be';

CREATE TABLE trueup.refusal (
    id         pg_catalog.int8 GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    plan       pg_catalog.text NOT NULL,
    name       pg_catalog.text NOT NULL,
    direction  pg_catalog.text NOT NULL CHECK (direction IN ('apply', 'rollback')),
    refused    pg_catalog.timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    why        pg_catalog.text NOT NULL,
    tool       pg_catalog.text NOT NULL,
    role       pg_catalog.text NOT NULL DEFAULT SESSION_USER,
    client     pg_catalog.text DEFAULT pg_catalog.host(pg_catalog.inet_client_addr())
);
COMMENT ON TABLE trueup.refusal IS 'trueup: what was refused, where there was a journal already';
UPDATE trueup.layout SET version = 7;
-- What layout 8 of the journal adds to layout 7. Runs in one transaction, with search_path empty.
CREATE TABLE trueup.reached (
    object          pg_catalog.text PRIMARY KEY,
    schema          pg_catalog.text NOT NULL,
    fingerprint     pg_catalog.text NOT NULL,
    ddl             pg_catalog.text NOT NULL
);
COMMENT ON TABLE trueup.reached IS 'trueup: the objects of managed schemas as the last runs left them, one line for each';
CREATE TABLE trueup.reached_at (
    -- where all tables are published, a row without a key cannot be changed
    one             pg_catalog.bool PRIMARY KEY DEFAULT true CHECK (one),
    reached         pg_catalog.timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    schemas         pg_catalog.text[] NOT NULL,
    server_version  pg_catalog.int4 NOT NULL,
    tool            pg_catalog.text NOT NULL
);
COMMENT ON TABLE trueup.reached_at IS 'trueup: when trueup.reached was written last, by which version, of which schemas; one line';
UPDATE trueup.layout SET version = 8;
-- What layout 9 of the journal adds to layout 8. Runs in one transaction, with search_path empty.
ALTER TABLE trueup.approval ADD COLUMN body pg_catalog.text, ADD COLUMN digest pg_catalog.text, ADD COLUMN key pg_catalog.text;
COMMENT ON COLUMN trueup.approval.body IS 'the approval as its file had it, with its signature';
COMMENT ON COLUMN trueup.approval.digest IS 'the SHA-256 of what the signature is of';
COMMENT ON COLUMN trueup.approval.key IS 'the fingerprint of the key that signed, where the signature was checked';

ALTER TABLE trueup.run ADD COLUMN glass pg_catalog.text;
COMMENT ON COLUMN trueup.run.glass IS 'who broke the glass, where approvals were missing';

CREATE TABLE trueup.entry (
    id        pg_catalog.int8 PRIMARY KEY,
    written   pg_catalog.timestamptz NOT NULL,
    kind      pg_catalog.text NOT NULL,
    body      pg_catalog.text NOT NULL,
    role      pg_catalog.text NOT NULL,
    previous  pg_catalog.text NOT NULL,
    hash      pg_catalog.text NOT NULL
);
COMMENT ON TABLE trueup.entry IS 'trueup: everything that happened, in a chain: each entry has the hash of the one before';
COMMENT ON COLUMN trueup.entry.body IS 'what happened, as JSON';
COMMENT ON COLUMN trueup.entry.hash IS 'the SHA-256 of previous, id, written, kind, body and role, each on a line of its own';
-- who writes what runs adds entries; nobody changes them, whatever default privileges say
DO $entry$
DECLARE
    one pg_catalog.record;
BEGIN
    FOR one IN
        SELECT DISTINCT CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(a.grantee)) END AS role
        FROM pg_catalog.pg_class c, LATERAL pg_catalog.aclexplode(c.relacl) AS a
        WHERE c.oid = 'trueup.entry'::pg_catalog.regclass AND a.grantee <> c.relowner
    LOOP
        EXECUTE pg_catalog.format('REVOKE ALL ON trueup.entry FROM %s', one.role);
    END LOOP;
    FOR one IN
        SELECT DISTINCT pg_catalog.pg_get_userbyid(a.grantee) AS role
        FROM pg_catalog.pg_class c,
             LATERAL pg_catalog.aclexplode(COALESCE(c.relacl, pg_catalog.acldefault('r', c.relowner))) AS a
        WHERE c.oid = 'trueup.run'::pg_catalog.regclass AND a.privilege_type = 'INSERT' AND a.grantee <> 0
          AND pg_catalog.pg_get_userbyid(a.grantee) <> CURRENT_USER
    LOOP
        EXECUTE pg_catalog.format('GRANT SELECT, INSERT ON trueup.entry TO %I', one.role);
    END LOOP;
END
$entry$;
UPDATE trueup.layout SET version = 9;
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
          AND pg_catalog.pg_get_userbyid(c.relowner) = CURRENT_USER AND c.relname = ANY (pg_catalog.string_to_array('abandoned adoption approval backfill ddl_event entry layout plan policy reached reached_at refusal run step', ' '))
    LOOP
        FOR given IN
            SELECT DISTINCT CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(a.grantee)) END AS role
            FROM pg_catalog.pg_class c, LATERAL pg_catalog.aclexplode(c.relacl) AS a
            WHERE c.oid = one.oid AND a.grantee <> c.relowner
        LOOP
            EXECUTE pg_catalog.format('REVOKE ALL ON %s FROM %s', one.name, given.role);
        END LOOP;
    END LOOP;
END
$own$;

SET LOCAL search_path TO '';
\endif
INSERT INTO trueup.plan (digest, phases, body) VALUES ('9fda7b90ce861d9ab2443f95474729ac409ac60d05873b231f05c29ee22f2772', '{expand,contract}', $f$format = 2
name = "full-name-and-currency"
created = "2026-11-21T06:04:53Z"
tool = "0.1.0"
server_version = 150020
target = "shop@localhost:5432/shop"
role = "shop"
author = "bob"
schemas = ["public"]
transient = [
    "column public.customer_sales.customer",
    "column public.customer_sales.customer_id",
    "column public.customer_sales.orders",
    "column public.customer_sales.spent",
    "column public.order_totals.currency",
    "column public.order_totals.customer_id",
    "column public.order_totals.order_id",
    "column public.order_totals.pieces",
    "column public.order_totals.placed_at",
    "column public.order_totals.status",
    "column public.order_totals.total",
]

[checkpoints]
base = "11ec47b6cfc1ed8a70df959cce80a1e9d42e584a4bc81f69acca5a57ad71082d"

[checkpoints.after]
expand = "ed8f96d256906711ce8662da2895a25722239875079f527bf3f17313d6c421e3"
contract = "475dd13289ce176d886ba714c310ea1bb10ae314035bedd9d84e603574f8f26e"

[summary]
create = 5
alter = 3
replace = 0
drop = 1

[rehearsal]
proven = [
    "live rebuilt on scratch and equal",
    "up",
    "equal to desired",
    "down",
    "equal to live",
    "up again",
    "equal to desired again",
]

[[data_check]]
phase = "expand"
by_old_names = true
object = "constraint public.reviews.reviews_customer_id_fkey"
relation = "public.reviews"
what = "rows of table public.reviews that refer to none of public.customers"
sql = "SELECT count(*), (pg_catalog.array_agg(example))[1] FROM (SELECT pg_catalog.concat_ws(', ', 'id = ' || referring.id::pg_catalog.text) FROM public.reviews AS referring WHERE referring.customer_id IS NOT NULL AND NOT EXISTS (SELECT FROM (SELECT id AS id, email AS email, name AS full_name, phone AS phone, fax AS fax, created_at AS created_at, updated_at AS updated_at, tableoid, ctid FROM public.customers) AS referenced WHERE referenced.id = referring.customer_id) LIMIT 1000) AS found (example)"

[[old_name]]
column = "column public.customers.full_name"
old = "name"
writes = "trueup.writes_bbec0a38"
last = "trueup.last_bbec0a38"

[[step]]
id = 1
phase = "expand"
batch = 1
action = "create"
object = "column public.customers.full_name"
summary = "add column full_name of public.customers beside name"
operation = "catalog"
sql = [
    "CREATE SEQUENCE trueup.writes_bbec0a38",
    "CREATE SEQUENCE trueup.last_bbec0a38",
    """
CREATE FUNCTION trueup.sync_bbec0a38() RETURNS pg_catalog.trigger LANGUAGE plpgsql AS $$BEGIN
    IF pg_catalog.record_image_eq(ROW(NEW.name), ROW(NEW.full_name)) THEN RETURN NEW; END IF;
    IF TG_OP OPERATOR(pg_catalog.=) 'INSERT' THEN
        IF pg_catalog.record_image_eq(ROW(NEW.full_name), ROW(NULL::text)) THEN NEW.full_name := NEW.name;
        ELSIF pg_catalog.record_image_eq(ROW(NEW.name), ROW(NULL::text)) THEN NEW.name := NEW.full_name;
        ELSE RAISE EXCEPTION USING ERRCODE = '23514', MESSAGE = 'name and full_name of public.customers are one column under two names, and were given different values';
        END IF;
    ELSIF pg_catalog.record_image_eq(ROW(NEW.full_name), ROW(OLD.full_name)) THEN NEW.full_name := NEW.name;
    ELSIF pg_catalog.record_image_eq(ROW(NEW.name), ROW(OLD.name)) THEN NEW.name := NEW.full_name;
    ELSE RAISE EXCEPTION USING ERRCODE = '23514', MESSAGE = 'name and full_name of public.customers are one column under two names, and were given different values';
    END IF;
    RETURN NEW;
END$$""",
    """
CREATE FUNCTION trueup.mirror_bbec0a38() RETURNS pg_catalog.trigger LANGUAGE plpgsql AS $$BEGIN
    NEW.full_name := NEW.name;
    RETURN NEW;
END$$""",
    """
CREATE FUNCTION trueup.seen_bbec0a38() RETURNS pg_catalog.trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$BEGIN
    PERFORM pg_catalog.nextval('trueup.writes_bbec0a38'), pg_catalog.setval('trueup.last_bbec0a38', pg_catalog.date_part('epoch', pg_catalog.clock_timestamp())::pg_catalog.int8);
    RETURN NEW;
END$$""",
    "ALTER TABLE public.customers ADD COLUMN full_name text",
    'CREATE TRIGGER "!!trueup_seen_bbec0a38" BEFORE UPDATE ON public.customers FOR EACH ROW WHEN (pg_catalog.record_image_ne(ROW(OLD.name), ROW(NEW.name)) AND pg_catalog.record_image_eq(ROW(OLD.full_name), ROW(NEW.full_name))) EXECUTE FUNCTION trueup.seen_bbec0a38()',
    'CREATE TRIGGER "!!trueup_seen_bbec0a38_new" BEFORE INSERT ON public.customers FOR EACH ROW WHEN (pg_catalog.record_image_ne(ROW(NEW.name), ROW(NULL::text)) AND pg_catalog.record_image_eq(ROW(NEW.full_name), ROW(NULL::text))) EXECUTE FUNCTION trueup.seen_bbec0a38()',
    'CREATE TRIGGER "!trueup_sync_bbec0a38" BEFORE INSERT OR UPDATE ON public.customers FOR EACH ROW EXECUTE FUNCTION trueup.sync_bbec0a38()',
    'CREATE TRIGGER "~trueup_mirror_bbec0a38" BEFORE INSERT OR UPDATE ON public.customers FOR EACH ROW WHEN (pg_catalog.record_image_ne(ROW(NEW.name), ROW(NEW.full_name))) EXECUTE FUNCTION trueup.mirror_bbec0a38()',
    'ALTER TABLE public.customers ENABLE ALWAYS TRIGGER "!trueup_sync_bbec0a38"',
    'ALTER TABLE public.customers ENABLE ALWAYS TRIGGER "~trueup_mirror_bbec0a38"',
    "ALTER TABLE public.customers ADD CONSTRAINT trueup_equal_bbec0a38 CHECK (pg_catalog.record_image_eq(ROW(name), ROW(full_name))) NOT VALID",
]

[step.timeouts]
lock_ms = 2000
statement_ms = 30000

[[step.seen.locks]]
relation = "public.customers"
mode = "ACCESS EXCLUSIVE"

[[step.hazard]]
code = "NEW_CODE_WAITS"
level = "notice"
message = "code that uses column public.customers.full_name fails until then"
advice = "between the phases, run only code that does without it"

[[step.hazard]]
code = "PREPARED_STAR"
level = "notice"
message = "sessions that have prepared SELECT * or RETURNING * of table public.customers fail at it once"
advice = "name the columns in code; else have its sessions connect anew after the step, or see to it that its driver prepares again"

[step.undo]
operation = "catalog"
sql = [
    'DROP TRIGGER "!!trueup_seen_bbec0a38" ON public.customers',
    'DROP TRIGGER "!!trueup_seen_bbec0a38_new" ON public.customers',
    'DROP TRIGGER "!trueup_sync_bbec0a38" ON public.customers',
    'DROP TRIGGER "~trueup_mirror_bbec0a38" ON public.customers',
    "ALTER TABLE public.customers DROP CONSTRAINT trueup_equal_bbec0a38",
    "ALTER TABLE public.customers DROP COLUMN full_name",
    "DROP FUNCTION trueup.sync_bbec0a38()",
    "DROP FUNCTION trueup.mirror_bbec0a38()",
    "DROP FUNCTION trueup.seen_bbec0a38()",
    "DROP SEQUENCE trueup.writes_bbec0a38",
    "DROP SEQUENCE trueup.last_bbec0a38",
]

[step.undo.timeouts]
lock_ms = 2000
statement_ms = 30000

[[step.undo.seen.locks]]
relation = "public.customers"
mode = "ACCESS EXCLUSIVE"

[[step]]
id = 2
phase = "expand"
batch = 2
action = "fill"
object = "column public.customers.full_name"
summary = "fill column public.customers.full_name with what is in name"
sql = ["""
WITH visited (trueup_1) AS MATERIALIZED (
    SELECT id FROM ONLY public.customers
    WHERE ($1::pg_catalog.text[] IS NULL OR (id) > (($1::pg_catalog.text[])[1]::bigint)) AND (id) <= (($2::pg_catalog.text[])[1]::bigint)
    ORDER BY id LIMIT $3::pg_catalog.int8
), changed AS (
    UPDATE ONLY public.customers AS customers SET full_name = name
    WHERE ($1::pg_catalog.text[] IS NULL OR (customers.id) > (($1::pg_catalog.text[])[1]::bigint))
    AND (customers.id) <= (SELECT trueup_1 FROM visited ORDER BY trueup_1 DESC LIMIT 1)
    AND (pg_catalog.record_image_ne(ROW(name), ROW(full_name))) AND (name) IS NOT NULL
    RETURNING 1
)
SELECT (SELECT count(*) FROM visited), (SELECT count(*) FROM changed), (SELECT ARRAY[trueup_1::pg_catalog.text] FROM visited ORDER BY trueup_1 DESC LIMIT 1)"""]

[step.operation.backfill]
table = "public.customers"
columns = ["full_name"]
key = ["id"]
rows = 1000

[step.timeouts]
lock_ms = 2000
statement_ms = 30000

[step.seen]

[[step.hazard]]
code = "FILLS_ROWS"
level = "notice"
message = "rows of table public.customers (about 20000 rows) are written once each for column public.customers.full_name; triggers fire: customers_touch"
advice = "see to it that disk and standbys have room for it, and that what the triggers do is wanted"

[step.undo]
operation = "nothing"
sql = []

[step.undo.timeouts]
lock_ms = 2000
statement_ms = 30000

[step.undo.seen]

[[step]]
id = 3
phase = "expand"
batch = 3
action = "validate"
object = "constraint public.customers.trueup_equal_bbec0a38"
summary = "validate that name and full_name of public.customers are equal"
operation = "validate"
sql = ["ALTER TABLE public.customers VALIDATE CONSTRAINT trueup_equal_bbec0a38"]
rows = 20000

[step.timeouts]
lock_ms = 2000
statement_ms = 0

[step.seen]
scans = ["public.customers"]

[[step.seen.locks]]
relation = "public.customers"
mode = "SHARE UPDATE EXCLUSIVE"

[step.undo]
operation = "nothing"
sql = []

[step.undo.timeouts]
lock_ms = 2000
statement_ms = 30000

[step.undo.seen]

[[step]]
id = 4
phase = "expand"
batch = 4
action = "create"
object = "column public.orders.currency"
summary = "add column currency of public.orders"
operation = "add_column"
sql = ["ALTER TABLE public.orders ADD COLUMN currency character(3) DEFAULT 'EUR'::bpchar NOT NULL"]

[step.timeouts]
lock_ms = 2000
statement_ms = 30000

[[step.seen.locks]]
relation = "public.orders"
mode = "ACCESS EXCLUSIVE"

[[step.hazard]]
code = "NEW_CODE_WAITS"
level = "notice"
message = "code that uses column public.orders.currency fails until then"
advice = "between the phases, run only code that does without it"

[[step.hazard]]
code = "PREPARED_STAR"
level = "notice"
message = "sessions that have prepared SELECT * or RETURNING * of table public.orders fail at it once"
advice = "name the columns in code; else have its sessions connect anew after the step, or see to it that its driver prepares again"

[step.undo]
operation = "catalog"
sql = ["ALTER TABLE public.orders DROP COLUMN currency"]

[step.undo.timeouts]
lock_ms = 2000
statement_ms = 30000

[[step.undo.seen.locks]]
relation = "public.orders"
mode = "ACCESS EXCLUSIVE"

[[step.undo.hazard]]
code = "DATA_LOSS"
level = "danger"
message = "dropping column public.orders.currency loses its values (about 36000 rows)"
advice = "keep a backup of the values, or leave the object until nobody misses it"

[[step]]
id = 5
phase = "expand"
batch = 5
action = "create"
object = "constraint public.reviews.reviews_customer_id_fkey"
summary = "add constraint reviews_customer_id_fkey of public.reviews, not yet validated"
operation = "catalog"
sql = ["ALTER TABLE public.reviews ADD CONSTRAINT reviews_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES public.customers(id) ON DELETE SET NULL NOT VALID"]

[step.timeouts]
lock_ms = 800
statement_ms = 30000

[[step.seen.locks]]
relation = "public.customers"
mode = "SHARE ROW EXCLUSIVE"

[[step.seen.locks]]
relation = "public.reviews"
mode = "SHARE ROW EXCLUSIVE"

[[step.hazard]]
code = "CONSTRAINS_OLD_CODE"
level = "warning"
message = "constraint public.reviews.reviews_customer_id_fkey refuses rows from now on: FOREIGN KEY (customer_id) REFERENCES public.customers(id) ON DELETE SET NULL"
advice = "make sure that neither the data nor code that is deployed violates it"

[step.undo]
operation = "catalog"
sql = ["ALTER TABLE public.reviews DROP CONSTRAINT reviews_customer_id_fkey"]

[step.undo.timeouts]
lock_ms = 800
statement_ms = 30000

[[step.undo.seen.locks]]
relation = "public.customers"
mode = "ACCESS EXCLUSIVE"

[[step.undo.seen.locks]]
relation = "public.reviews"
mode = "ACCESS EXCLUSIVE"

[[step]]
id = 6
phase = "expand"
batch = 6
action = "validate"
object = "constraint public.reviews.reviews_customer_id_fkey"
summary = "validate constraint reviews_customer_id_fkey of public.reviews"
operation = "validate"
sql = ["ALTER TABLE public.reviews VALIDATE CONSTRAINT reviews_customer_id_fkey"]
rows = 7980

[step.timeouts]
lock_ms = 2000
statement_ms = 0

[step.seen]
scans = ["public.reviews"]

[[step.seen.locks]]
relation = "public.customers"
mode = "ROW SHARE"

[[step.seen.locks]]
relation = "public.reviews"
mode = "SHARE UPDATE EXCLUSIVE"

[step.undo]
operation = "nothing"
sql = []

[step.undo.timeouts]
lock_ms = 2000
statement_ms = 30000

[step.undo.seen]

[[step]]
id = 7
phase = "expand"
batch = 7
action = "create"
object = "index public.reviews_customer_id_idx"
summary = "create index public.reviews_customer_id_idx on table public.reviews"
sql = ["CREATE INDEX CONCURRENTLY reviews_customer_id_idx ON public.reviews USING btree (customer_id)"]
rows = 7980

[step.operation.build_index]
index = "index public.reviews_customer_id_idx"
table = "table public.reviews"
definition = "ON public.reviews USING btree (customer_id)"

[step.timeouts]
lock_ms = 0
statement_ms = 0

[step.seen]
scans = ["public.reviews"]
builds = ["public.reviews_customer_id_idx"]

[[step.seen.locks]]
relation = "public.reviews"
mode = "SHARE UPDATE EXCLUSIVE"

[step.undo]
sql = ["DROP INDEX CONCURRENTLY public.reviews_customer_id_idx"]

[step.undo.operation.drop_index]
index = "index public.reviews_customer_id_idx"

[step.undo.timeouts]
lock_ms = 0
statement_ms = 0

[step.undo.seen]

[[step]]
id = 8
phase = "expand"
batch = 8
action = "create"
object = "comment on column public.orders.currency"
summary = "comment on column public.orders.currency"
operation = "catalog"
sql = ["COMMENT ON COLUMN public.orders.currency IS 'ISO 4217. Prices of variants are in EUR.'"]

[step.timeouts]
lock_ms = 2000
statement_ms = 30000

[[step.seen.locks]]
relation = "public.orders"
mode = "SHARE UPDATE EXCLUSIVE"

[step.undo]
operation = "catalog"
sql = ["COMMENT ON COLUMN public.orders.currency IS NULL"]

[step.undo.timeouts]
lock_ms = 2000
statement_ms = 30000

[[step.undo.seen.locks]]
relation = "public.orders"
mode = "SHARE UPDATE EXCLUSIVE"

[[step]]
id = 9
phase = "expand"
batch = 9
action = "alter"
object = "view public.order_totals"
summary = "alter view public.order_totals"
operation = "catalog"
sql = ["""
CREATE OR REPLACE VIEW public.order_totals AS
 SELECT o.id AS order_id,
    o.customer_id,
    o.status,
    o.placed_at,
    sum(i.quantity) AS pieces,
    sum(((i.quantity)::numeric * i.unit_price)) AS total,
    o.currency
   FROM (public.orders o
     JOIN public.order_items i ON ((i.order_id = o.id)))
  GROUP BY o.id"""]

[step.timeouts]
lock_ms = 2000
statement_ms = 30000

[[step.seen.locks]]
relation = "public.order_totals"
mode = "ACCESS EXCLUSIVE"

[[step.hazard]]
code = "NEW_CODE_WAITS"
level = "notice"
message = "code that uses view public.order_totals as it will be fails until then"
advice = "between the phases, run only code that does without it"

[[step.hazard]]
code = "PREPARED_STAR"
level = "notice"
message = "sessions that have prepared SELECT * or RETURNING * of view public.order_totals fail at it once"
advice = "name the columns in code; else have its sessions connect anew after the step, or see to it that its driver prepares again"

[step.undo]
operation = "bulk"
sql = [
    "DROP VIEW public.customer_sales",
    "DROP VIEW public.order_totals",
    """
CREATE VIEW public.order_totals AS
 SELECT o.id AS order_id,
    o.customer_id,
    o.status,
    o.placed_at,
    sum(i.quantity) AS pieces,
    sum(((i.quantity)::numeric * i.unit_price)) AS total
   FROM (public.orders o
     JOIN public.order_items i ON ((i.order_id = o.id)))
  GROUP BY o.id""",
    "COMMENT ON VIEW public.order_totals IS 'Orders with anything in them.'",
    """
CREATE VIEW public.customer_sales AS
 SELECT c.id AS customer_id,
    c.name AS customer,
    count(t.order_id) AS orders,
    COALESCE(sum(t.total), (0)::numeric) AS spent
   FROM (public.customers c
     LEFT JOIN public.order_totals t ON (((t.customer_id = c.id) AND (t.status = ANY (ARRAY['paid'::public.order_status, 'sent'::public.order_status])))))
  GROUP BY c.id""",
]

[step.undo.timeouts]
lock_ms = 800
statement_ms = 0

[[step.undo.seen.locks]]
relation = "public.customer_sales"
mode = "ACCESS EXCLUSIVE"

[[step.undo.seen.locks]]
relation = "public.order_totals"
mode = "ACCESS EXCLUSIVE"

[[step]]
id = 10
phase = "contract"
batch = 10
action = "rename"
object = "column public.customers.full_name"
summary = "on the way back, exchange name and full_name of public.customers"
operation = "nothing"
sql = []
with = "next"

[step.timeouts]
lock_ms = 2000
statement_ms = 30000

[step.seen]

[step.undo]
operation = "swap"
sql = [
    "ALTER TABLE public.customers RENAME COLUMN full_name TO trueup_aside_bbec0a38",
    "ALTER TABLE public.customers RENAME COLUMN name TO full_name",
    "ALTER TABLE public.customers RENAME COLUMN trueup_aside_bbec0a38 TO name",
]

[step.undo.timeouts]
lock_ms = 2000
statement_ms = 30000

[[step.undo.seen.locks]]
relation = "public.customers"
mode = "ACCESS EXCLUSIVE"

[[step]]
id = 11
phase = "contract"
batch = 11
action = "validate"
object = "constraint public.customers.trueup_equal_bbec0a38"
summary = "on the way back, validate that name and full_name of public.customers are equal"
operation = "nothing"
sql = []
with = "next"

[step.timeouts]
lock_ms = 2000
statement_ms = 30000

[step.seen]

[step.undo]
operation = "validate"
sql = ["ALTER TABLE public.customers VALIDATE CONSTRAINT trueup_equal_bbec0a38"]

[step.undo.timeouts]
lock_ms = 2000
statement_ms = 0

[step.undo.seen]
scans = ["public.customers"]

[[step.undo.seen.locks]]
relation = "public.customers"
mode = "SHARE UPDATE EXCLUSIVE"

[[step]]
id = 12
phase = "contract"
batch = 12
action = "fill"
object = "column public.customers.name"
summary = "on the way back, fill column public.customers.name with what is in full_name"
operation = "nothing"
sql = []
with = "next"

[step.timeouts]
lock_ms = 2000
statement_ms = 30000

[step.seen]

[step.undo]
sql = ["""
WITH visited (trueup_1) AS MATERIALIZED (
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
SELECT (SELECT count(*) FROM visited), (SELECT count(*) FROM changed), (SELECT ARRAY[trueup_1::pg_catalog.text] FROM visited ORDER BY trueup_1 DESC LIMIT 1)"""]

[step.undo.operation.backfill]
table = "public.customers"
columns = ["name"]
key = ["id"]
rows = 1000

[step.undo.timeouts]
lock_ms = 2000
statement_ms = 30000

[step.undo.seen]

[[step.undo.hazard]]
code = "FILLS_ROWS"
level = "notice"
message = "rows of table public.customers (about 20000 rows) are written once each for column public.customers.name; triggers fire: customers_touch"
advice = "see to it that disk and standbys have room for it, and that what the triggers do is wanted"

[[step]]
id = 13
phase = "contract"
batch = 13
action = "rename"
object = "column public.customers.full_name"
summary = "rename column name of public.customers to full_name"
operation = "swap"
sql = [
    'DROP TRIGGER "!!trueup_seen_bbec0a38" ON public.customers',
    'DROP TRIGGER "!!trueup_seen_bbec0a38_new" ON public.customers',
    'DROP TRIGGER "!trueup_sync_bbec0a38" ON public.customers',
    'DROP TRIGGER "~trueup_mirror_bbec0a38" ON public.customers',
    "ALTER TABLE public.customers DROP CONSTRAINT trueup_equal_bbec0a38",
    "ALTER TABLE public.customers DROP COLUMN full_name",
    "DROP FUNCTION trueup.sync_bbec0a38()",
    "DROP FUNCTION trueup.mirror_bbec0a38()",
    "DROP FUNCTION trueup.seen_bbec0a38()",
    "DROP SEQUENCE trueup.writes_bbec0a38",
    "DROP SEQUENCE trueup.last_bbec0a38",
    "ALTER TABLE public.customers RENAME COLUMN name TO full_name",
]

[step.timeouts]
lock_ms = 2000
statement_ms = 30000

[[step.seen.locks]]
relation = "public.customers"
mode = "ACCESS EXCLUSIVE"

[[step.hazard]]
code = "BREAKS_OLD_CODE"
level = "danger"
message = "rename column name of public.customers to full_name: code that uses the old name fails at once"
advice = "deploy code that does without it first"

[[step.hazard]]
code = "PREPARED_STAR"
level = "notice"
message = "sessions that have prepared SELECT * or RETURNING * of table public.customers fail at it once"
advice = "name the columns in code; else have its sessions connect anew after the step, or see to it that its driver prepares again"

[step.undo]
operation = "swap"
sql = [
    "CREATE SEQUENCE trueup.writes_bbec0a38",
    "CREATE SEQUENCE trueup.last_bbec0a38",
    """
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
END$$""",
    """
CREATE FUNCTION trueup.mirror_bbec0a38() RETURNS pg_catalog.trigger LANGUAGE plpgsql AS $$BEGIN
    NEW.full_name := NEW.name;
    RETURN NEW;
END$$""",
    """
CREATE FUNCTION trueup.seen_bbec0a38() RETURNS pg_catalog.trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$BEGIN
    PERFORM pg_catalog.nextval('trueup.writes_bbec0a38'), pg_catalog.setval('trueup.last_bbec0a38', pg_catalog.date_part('epoch', pg_catalog.clock_timestamp())::pg_catalog.int8);
    RETURN NEW;
END$$""",
    "ALTER TABLE public.customers ADD COLUMN name text",
    'CREATE TRIGGER "!!trueup_seen_bbec0a38" BEFORE UPDATE ON public.customers FOR EACH ROW WHEN (pg_catalog.record_image_ne(ROW(OLD.full_name), ROW(NEW.full_name)) AND pg_catalog.record_image_eq(ROW(OLD.name), ROW(NEW.name))) EXECUTE FUNCTION trueup.seen_bbec0a38()',
    'CREATE TRIGGER "!!trueup_seen_bbec0a38_new" BEFORE INSERT ON public.customers FOR EACH ROW WHEN (pg_catalog.record_image_ne(ROW(NEW.full_name), ROW(NULL::text)) AND pg_catalog.record_image_eq(ROW(NEW.name), ROW(NULL::text))) EXECUTE FUNCTION trueup.seen_bbec0a38()',
    'CREATE TRIGGER "!trueup_sync_bbec0a38" BEFORE INSERT OR UPDATE ON public.customers FOR EACH ROW EXECUTE FUNCTION trueup.sync_bbec0a38()',
    'CREATE TRIGGER "~trueup_mirror_bbec0a38" BEFORE INSERT OR UPDATE ON public.customers FOR EACH ROW WHEN (pg_catalog.record_image_ne(ROW(NEW.full_name), ROW(NEW.name))) EXECUTE FUNCTION trueup.mirror_bbec0a38()',
    'ALTER TABLE public.customers ENABLE ALWAYS TRIGGER "!trueup_sync_bbec0a38"',
    'ALTER TABLE public.customers ENABLE ALWAYS TRIGGER "~trueup_mirror_bbec0a38"',
    "ALTER TABLE public.customers ADD CONSTRAINT trueup_equal_bbec0a38 CHECK (pg_catalog.record_image_eq(ROW(full_name), ROW(name))) NOT VALID",
]

[step.undo.timeouts]
lock_ms = 2000
statement_ms = 30000

[step.undo.seen]

[[step]]
id = 14
phase = "contract"
batch = 13
action = "drop"
object = "column public.customers.fax"
summary = "drop column fax of public.customers"
operation = "catalog"
sql = ["ALTER TABLE public.customers DROP COLUMN fax"]

[step.timeouts]
lock_ms = 2000
statement_ms = 30000

[step.seen]

[[step.hazard]]
code = "DATA_LOSS"
level = "danger"
message = "dropping column public.customers.fax loses its values (about 20000 rows)"
advice = "keep a backup of the values, or leave the object until nobody misses it"

[[step.hazard]]
code = "BREAKS_OLD_CODE"
level = "danger"
message = "code that uses column public.customers.fax fails: it is dropped"
advice = "deploy code that does without it first"

[[step.hazard]]
code = "PREPARED_STAR"
level = "notice"
message = "sessions that have prepared SELECT * or RETURNING * of table public.customers fail at it once"
advice = "name the columns in code; else have its sessions connect anew after the step, or see to it that its driver prepares again"

[step.undo]
operation = "rewrite"
sql = ["ALTER TABLE public.customers ADD COLUMN fax text"]

[step.undo.timeouts]
lock_ms = 2000
statement_ms = 0

[[step.undo.seen.locks]]
relation = "public.customers"
mode = "ACCESS EXCLUSIVE"

[[step.undo.hazard]]
code = "DATA_LOSS"
level = "danger"
message = "column public.customers.fax comes back as NULL in every row"
advice = "keep a backup of the values, or leave the object until nobody misses it"

[[footprint]]
object = "schema public"
base = "4da476eb589feaa0cc928c9d6fd514c549d9644a22077ad97d6a22ffc5d2d2a4"

[[footprint]]
object = "enum public.order_status"
base = "ac35cb2b0f7c08f3a81961ddd08fda91b91b5cdef101a9f514bb31fc13505aa5"

[[footprint]]
object = "table public.customers"
base = "4821db406def2f4e6f046cbdaccb89ede4c43a47e00c734e7c0149524b345bff"

[[footprint]]
object = "table public.orders"
base = "5917d0151bedc84438222716bb77c01a5ae84575b96b9459c00db316c3c3cdb0"

[[footprint]]
object = "table public.reviews"
base = "2b790990975028ae0da412491d80e8823ab0444a62e465f21210cf5691958c02"

[[footprint]]
object = "column public.customers.created_at"
base = "5b1bf3e69a4ac1fe3489c347e1b14a94ff3ef9c869709263e7ff4b5d49cc6e9c"

[[footprint]]
object = "column public.customers.email"
base = "ebdf40a513f0dc631ffab9715cadd61d9009ed7598c0d1e57286a0d4e27d4f62"

[[footprint]]
object = "column public.customers.fax"
base = "0bb026833e06dbe7dcafa495aa13c8e07934db0e829e18602a2d9441963d0272"
ddl = ["ALTER TABLE public.customers ADD COLUMN fax text"]

[footprint.after]
contract = "gone"

[[footprint]]
object = "column public.customers.full_name"

[footprint.after.expand]
became = "e412b4e6d2a1bcbcb7bc9224b3d0cf6e509caa1d6ef9edab75e881f0ae62f592"

[footprint.after.contract]
became = "657d9125f169daa5d93332973cb76f752fd87a45b86ac35f63e0a79539e5a7ec"

[[footprint]]
object = "column public.customers.id"
base = "fc2dfc65b2f365b12fedf21bb3786bcf7e08efe152c3a764e0ce4858a62c557d"

[[footprint]]
object = "column public.customers.name"
base = "854edeb5a3e503d5568a85bb71a33632386181ace5e82858826b725ad2ce5f80"
ddl = ["ALTER TABLE public.customers ADD COLUMN name text NOT NULL"]

[footprint.after]
contract = "gone"

[[footprint]]
object = "column public.customers.phone"
base = "a4478b1478cab6b1a45c477a6d8abc21112e593845477ba4688e08255ab9e3c0"

[[footprint]]
object = "column public.customers.updated_at"
base = "77f0cbc32e61ebc19d32cc6cc7defffbbc6ce7fd50a587d5d7e3819eabca53d6"

[[footprint]]
object = "column public.order_items.order_id"
base = "932b1f36ef6b0534609bc9a501ec5efbb33c9b3b69ee6504679a166570a56128"

[[footprint]]
object = "column public.order_items.quantity"
base = "bf423f3bc890780ab42b9b0ba0d03b3548dbdf842495380bf3d06dc218e49f3d"

[[footprint]]
object = "column public.order_items.unit_price"
base = "188fa61a05c1acd44b2c23ac69f968b92d092396e8e65c7b05e65bdd79af0e80"

[[footprint]]
object = "column public.orders.created_at"
base = "821c7596a9f1c25d8b04a36a0e9dbac6257c8bc86cf1907a85c4de0ba371cf16"
independent = true

[[footprint]]
object = "column public.orders.currency"

[footprint.after.expand]
became = "64ff5e462e30c1d5500a03c9ed956cdf702b7c350345bb0026148ea604205f8e"

[[footprint]]
object = "column public.orders.customer_id"
base = "4478d2645ed1ee9b59bd65e5c9ad422dc03e39a76ad0f2ab8622938a53bd07b1"

[[footprint]]
object = "column public.orders.id"
base = "65adcb54e5fc99e27f2f5664e26a9deddd053669a302fecb7ced9bf19fc1d03f"

[[footprint]]
object = "column public.orders.placed_at"
base = "8bf008324ba82645b2f5e7c64c0ae10ec94f8d8d3dbbf9e916b4d33f87fbdd01"

[[footprint]]
object = "column public.orders.shipping_address_id"
base = "83449f9d6ca261800be71e7918bbfcec06c69a915b3d980aabec27b72faf1e24"
independent = true

[[footprint]]
object = "column public.orders.status"
base = "097f6cb3008679cb5aabb9c21077b328464be4939fa26eda106b61f745300d6d"

[[footprint]]
object = "column public.orders.updated_at"
base = "4e684180cf044cd43871e3ccd8310d87215af1bddcecdef3e3f661c17c6f310b"
independent = true

[[footprint]]
object = "column public.reviews.body"
base = "4891dfc637a2baf784409c9fad94563a9e5db8dfa23eafb677bbbcf622f47739"
independent = true

[[footprint]]
object = "column public.reviews.created_at"
base = "9d8605a5e2cf7c3cddcb421e552fd769f20eec15fa11b374f113508599919a4f"
independent = true

[[footprint]]
object = "column public.reviews.customer_id"
base = "21c277e3042f95dd59bf07a47898ba6e018d3acf8b1abb6843d8c243315fae3a"

[[footprint]]
object = "column public.reviews.id"
base = "caeb75c96f8b5c5a088e59bf06bf7a8059f95a7206805086c5081bc041a9e741"
independent = true

[[footprint]]
object = "column public.reviews.product_id"
base = "54a674f86d4531b28aa8c98fc98e974bbd6e4eb1b77e85f4138ec3d8c5957330"
independent = true

[[footprint]]
object = "column public.reviews.rating"
base = "73c3dd4573619cbeb9bbb89212e97c144e43c8521c9a758d78d95e9f08db1932"
independent = true

[[footprint]]
object = "default public.customers.created_at"
base = "978b277114d4dce687639e799649b8fde771bb4c5af312fef749b177455821cb"
independent = true

[[footprint]]
object = "default public.customers.updated_at"
base = "35c4bbae061be47fe66629f1aea6e9aacc59fb4d56c23f6ff9820d4349ab6f1d"
independent = true

[[footprint]]
object = "default public.orders.created_at"
base = "98defbb1555209305fc08ffdcc0632c3092f887b8a0a07b40bd9f45e155f4df0"
independent = true

[[footprint]]
object = "default public.orders.currency"
needs = ["column public.orders.currency"]

[footprint.after.expand]
became = "39cfff1b243af927ec91c1593becf36d41e17cb84deb17895c46bb6105c7e8bd"

[[footprint]]
object = "default public.orders.status"
base = "bcdb7cee2bf01c0ea92a88ed1c89767aab1bc97c14ce9cc680c655959355c5e1"
independent = true

[[footprint]]
object = "default public.orders.updated_at"
base = "2d5d84adc81d519da7986b8a510e4af008d2eeab7ef6792390dcac2c99e7e9eb"
independent = true

[[footprint]]
object = "default public.reviews.body"
base = "12743db45d24921cc12a34f50d4ad19df11ed89b14933eee48412c0ed2e8aac0"
independent = true

[[footprint]]
object = "default public.reviews.created_at"
base = "0c88c6e89b90fa51ded12a76935621fb55c67ab7bc2f4a09572b32b32678a135"
independent = true

[[footprint]]
object = "view public.customer_sales"
base = "c66a2c12bad4e38d14b61c946ef8630f24015e389d8ee8d003d0a4516a73a745"
needs = [
    "enum public.order_status",
    "column public.customers.full_name",
    "column public.customers.id",
    "column public.customers.name",
    "view public.order_totals",
    "constraint public.customers.customers_pkey",
]
ddl = ["""
CREATE VIEW public.customer_sales AS
 SELECT c.id AS customer_id,
    c.name AS customer,
    count(t.order_id) AS orders,
    COALESCE(sum(t.total), (0)::numeric) AS spent
   FROM (public.customers c
     LEFT JOIN public.order_totals t ON (((t.customer_id = c.id) AND (t.status = ANY (ARRAY['paid'::public.order_status, 'sent'::public.order_status])))))
  GROUP BY c.id"""]

[footprint.after.contract]
became = "fb212d03fee719670d0cb621ae9b1ba2067ab3fd986a1e166bddfdb02fc5a5fd"

[[footprint]]
object = "view public.order_totals"
base = "0ea9b876d0233c831f8856787bea7926825719f14537ff5c2e98d5bb7b193534"
needs = [
    "enum public.order_status",
    "column public.order_items.order_id",
    "column public.order_items.quantity",
    "column public.order_items.unit_price",
    "column public.orders.currency",
    "column public.orders.customer_id",
    "column public.orders.id",
    "column public.orders.placed_at",
    "column public.orders.status",
    "constraint public.orders.orders_pkey",
]
ddl = ["""
CREATE VIEW public.order_totals AS
 SELECT o.id AS order_id,
    o.customer_id,
    o.status,
    o.placed_at,
    sum(i.quantity) AS pieces,
    sum(((i.quantity)::numeric * i.unit_price)) AS total
   FROM (public.orders o
     JOIN public.order_items i ON ((i.order_id = o.id)))
  GROUP BY o.id"""]

[footprint.after.expand]
became = "0122a03b3864a2dfe426a88061df88b2b1c06205577449c7130a386477618037"

[[footprint]]
object = "constraint public.customers.customers_email_check"
base = "7008c35ff7ca996371c88d02bfd1742191d1406b9803adc5fc660d32a476df0d"
independent = true

[[footprint]]
object = "constraint public.customers.customers_pkey"
base = "e3c12adca4e80d6c124c02e3fb23406565fdcbd46b7843e6256aec40bfad15ec"

[[footprint]]
object = "constraint public.customers.trueup_equal_bbec0a38"
needs = [
    "column public.customers.full_name",
    "column public.customers.name",
]

[footprint.after]
contract = "gone"

[footprint.after.expand]
became = "a544d64d7f02607f06cde8c9501e3948a4cb4b9f69759e193fc03228acf295a9"

[[footprint]]
object = "constraint public.orders.orders_customer_id_fkey"
base = "b334c79b6eb1083f5433894be865511f82244807383d5a0bb1fdb7567f54a168"
independent = true

[[footprint]]
object = "constraint public.orders.orders_pkey"
base = "8c07faa4c3dc0d92d497c70e41ec2f9657d35a1fbe0aafaee219ea93e1320ff0"

[[footprint]]
object = "constraint public.orders.orders_placed_check"
base = "057bfd992b1a16a03c41cec8f9782fe49c418d63c9cef43539760363d08801e2"
independent = true

[[footprint]]
object = "constraint public.orders.orders_shipping_address_id_fkey"
base = "18be7977a5eeaf780acedba5aca638607ca1d5b4261b4046e64bf5bbc82022c9"
independent = true

[[footprint]]
object = "constraint public.reviews.reviews_customer_id_fkey"
needs = [
    "table public.customers",
    "column public.customers.id",
    "column public.reviews.customer_id",
    "constraint public.customers.customers_pkey",
]

[footprint.after.expand]
became = "21f60af448e5b49d8c35e6533c62d1984f90462dd69462edf58ee2dc6da9151c"

[[footprint]]
object = "constraint public.reviews.reviews_pkey"
base = "fad56d2f52e2b5420bc6d4bc6d1a9e749308b3fb0a0ad9b2047462d91ee80338"
independent = true

[[footprint]]
object = "constraint public.reviews.reviews_product_id_fkey"
base = "8c72e9ce1b7a2d08aea43f7eac0c2c4a075432cd796c9111b0a49b3e337f1d1d"
independent = true

[[footprint]]
object = "constraint public.reviews.reviews_rating_check"
base = "e254f36493963095906978a457fc663389a4399d189300c03bc8daf0e6e80333"
independent = true

[[footprint]]
object = "index public.customers_email_key"
base = "a37603ad802f2b0c8cb7784e2f1afc04bde5c81f758cb64c25da74e56632b6f8"
independent = true

[[footprint]]
object = "index public.orders_customer_id_idx"
base = "63d7ff52ba2472f6b32de376ef6e2233a02150fabf2b0a4eca8e971b29726a45"
independent = true

[[footprint]]
object = "index public.orders_shipping_address_id_idx"
base = "a614c6a40384fb7349b04260c9230d993c8ff34b9016c32fa7b36e4dcd407c87"
independent = true

[[footprint]]
object = "index public.reviews_customer_id_idx"
needs = ["column public.reviews.customer_id"]

[footprint.after.expand]
became = "43b63551f1987e6ffa11024d3c9223a9b15c426db498622fa7b4ac1a1ff09f15"

[[footprint]]
object = "index public.reviews_product_id_idx"
base = "c98b4da4f3f2729386846c35b41615ec7fbac4de17e8bdad7668f318a728dbc7"
independent = true

[[footprint]]
object = 'trigger public.customers."!!trueup_seen_bbec0a38"'
needs = [
    "column public.customers.full_name",
    "column public.customers.name",
]

[footprint.after]
contract = "gone"

[footprint.after.expand]
became = "e346178aa6ebfce691dc80ef2a912bd36017a4aa901e0d1c98ca7b6ae3f20442"

[[footprint]]
object = 'trigger public.customers."!!trueup_seen_bbec0a38_new"'
needs = [
    "column public.customers.full_name",
    "column public.customers.name",
]

[footprint.after]
contract = "gone"

[footprint.after.expand]
became = "d0cbbc31264ca0c5b2ba05df6d0965217efc121677cea03de4bb016231387065"

[[footprint]]
object = 'trigger public.customers."!trueup_sync_bbec0a38"'

[footprint.after]
contract = "gone"

[footprint.after.expand]
became = "ea7705111da94bd1b6d8dfcd1dc7d8c4e4f9d6e351d088fd33bb73fda75b1940"

[[footprint]]
object = "trigger public.customers.customers_touch"
base = "c3775c0fc5ff0aa43129f873faa28a63101ade10b9c3d4ef84e38e6be9fea94b"
independent = true

[[footprint]]
object = 'trigger public.customers."~trueup_mirror_bbec0a38"'
needs = [
    "column public.customers.full_name",
    "column public.customers.name",
]

[footprint.after]
contract = "gone"

[footprint.after.expand]
became = "a987445c985442fc6b089a85000d817d175c18cb9b706dae6ae8ab83b7af8a33"

[[footprint]]
object = "trigger public.orders.orders_touch"
base = "15ad65563b73429730d3e41f5e380aa9adf882ad1e8cb55da939eaa03a6b095c"
independent = true

[[footprint]]
object = "comment on column public.customers.full_name"
needs = ["column public.customers.full_name"]

[footprint.after.contract]
became = "1fef8f7e0ee718060094d7e50a53066d6f43992d34a2866e129483e82be242af"

[[footprint]]
object = "comment on column public.customers.name"
base = "d4fd07d3ea2d706aa8cb97d0f894c7b8f0102be399623e07629c457593c4441c"
needs = ["column public.customers.name"]
ddl = ["COMMENT ON COLUMN public.customers.name IS 'As the customer wants to be addressed.'"]

[footprint.after]
contract = "gone"

[[footprint]]
object = "comment on column public.orders.currency"
needs = ["column public.orders.currency"]

[footprint.after.expand]
became = "94421d81fb0166c0515d37755e7b7caa3eb18728ae752d017d619bce5ac1d538"

[[footprint]]
object = "comment on view public.order_totals"
base = "f236b0181e7b3270f71b247d7c008576be3b7e54fce69149864fa2b9be241913"
$f$)
ON CONFLICT DO NOTHING;
DO $trueup$
DECLARE
    own_run pg_catalog.int8;
BEGIN
    IF NOT EXISTS (SELECT FROM trueup.plan p WHERE p.digest = '9fda7b90ce861d9ab2443f95474729ac409ac60d05873b231f05c29ee22f2772'
                   AND pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(p.body, 'UTF8')), 'hex') = p.digest) THEN
        RAISE EXCEPTION 'trueup: the journal or this file does not have the plan as it was made: a line, or its line ends, were changed';
    END IF;
    INSERT INTO trueup.run (plan, name, phase, direction, schemas, tool, backend_start)
    SELECT '9fda7b90ce861d9ab2443f95474729ac409ac60d05873b231f05c29ee22f2772', 'full-name-and-currency', 'expand', 'apply', ARRAY['public']::pg_catalog.text[], 'psql, script of trueup 0.1.0', a.backend_start
    FROM pg_catalog.pg_stat_activity a WHERE a.pid = pg_catalog.pg_backend_pid()
    RETURNING id INTO own_run;
    PERFORM pg_temp.trueup_entry('run', '{"accepted":[],"approvals":[],"backup":null,"direction":"apply","glass":null,"name":"full-name-and-currency","note":null,"phase":"expand","plan":"9fda7b90ce861d9ab2443f95474729ac409ac60d05873b231f05c29ee22f2772","run":' || own_run || ',"tool":"psql, script of trueup 0.1.0"}');
    PERFORM pg_catalog.set_config('trueup.run', own_run::pg_catalog.text, false);
END
$trueup$;
COMMIT;
\set SHOW_CONTEXT errors

-- ==== expand ====

-- batch 1
\echo batch 1, step 1
SELECT pg_temp.trueup_left('{1}') AS trueup_left \gset
\if :trueup_left
BEGIN;
CALL pg_temp.trueup_path('ddl', true);
SET LOCAL lock_timeout = 2000; SET LOCAL statement_timeout = 30000;
-- step 1: add column full_name of public.customers beside name
CREATE SEQUENCE trueup.writes_bbec0a38;
CREATE SEQUENCE trueup.last_bbec0a38;
CREATE FUNCTION trueup.sync_bbec0a38() RETURNS pg_catalog.trigger LANGUAGE plpgsql AS $$BEGIN
    IF pg_catalog.record_image_eq(ROW(NEW.name), ROW(NEW.full_name)) THEN RETURN NEW; END IF;
    IF TG_OP OPERATOR(pg_catalog.=) 'INSERT' THEN
        IF pg_catalog.record_image_eq(ROW(NEW.full_name), ROW(NULL::text)) THEN NEW.full_name := NEW.name;
        ELSIF pg_catalog.record_image_eq(ROW(NEW.name), ROW(NULL::text)) THEN NEW.name := NEW.full_name;
        ELSE RAISE EXCEPTION USING ERRCODE = '23514', MESSAGE = 'name and full_name of public.customers are one column under two names, and were given different values';
        END IF;
    ELSIF pg_catalog.record_image_eq(ROW(NEW.full_name), ROW(OLD.full_name)) THEN NEW.full_name := NEW.name;
    ELSIF pg_catalog.record_image_eq(ROW(NEW.name), ROW(OLD.name)) THEN NEW.name := NEW.full_name;
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
ALTER TABLE public.customers ADD COLUMN full_name text;
CREATE TRIGGER "!!trueup_seen_bbec0a38" BEFORE UPDATE ON public.customers FOR EACH ROW WHEN (pg_catalog.record_image_ne(ROW(OLD.name), ROW(NEW.name)) AND pg_catalog.record_image_eq(ROW(OLD.full_name), ROW(NEW.full_name))) EXECUTE FUNCTION trueup.seen_bbec0a38();
CREATE TRIGGER "!!trueup_seen_bbec0a38_new" BEFORE INSERT ON public.customers FOR EACH ROW WHEN (pg_catalog.record_image_ne(ROW(NEW.name), ROW(NULL::text)) AND pg_catalog.record_image_eq(ROW(NEW.full_name), ROW(NULL::text))) EXECUTE FUNCTION trueup.seen_bbec0a38();
CREATE TRIGGER "!trueup_sync_bbec0a38" BEFORE INSERT OR UPDATE ON public.customers FOR EACH ROW EXECUTE FUNCTION trueup.sync_bbec0a38();
CREATE TRIGGER "~trueup_mirror_bbec0a38" BEFORE INSERT OR UPDATE ON public.customers FOR EACH ROW WHEN (pg_catalog.record_image_ne(ROW(NEW.name), ROW(NEW.full_name))) EXECUTE FUNCTION trueup.mirror_bbec0a38();
ALTER TABLE public.customers ENABLE ALWAYS TRIGGER "!trueup_sync_bbec0a38";
ALTER TABLE public.customers ENABLE ALWAYS TRIGGER "~trueup_mirror_bbec0a38";
ALTER TABLE public.customers ADD CONSTRAINT trueup_equal_bbec0a38 CHECK (pg_catalog.record_image_eq(ROW(name), ROW(full_name))) NOT VALID;
CALL pg_temp.trueup_done(1, '{1}');
COMMIT;
\endif

-- batch 2, outside any transaction
\echo batch 2, step 2
SELECT pg_temp.trueup_left('{2}') AS trueup_left \gset
\if :trueup_left
-- step 2: fill column public.customers.full_name with what is in name
CALL pg_temp.trueup_started(2, 2);
CALL pg_temp.trueup_fill(2, 2000, 'public.customers',
$$SELECT ARRAY[id::pg_catalog.text] FROM ONLY public.customers ORDER BY id DESC LIMIT 1$$, true, false, 1000,
$$WITH visited (trueup_1) AS MATERIALIZED (
    SELECT id FROM ONLY public.customers
    WHERE ($1::pg_catalog.text[] IS NULL OR (id) > (($1::pg_catalog.text[])[1]::bigint)) AND (id) <= (($2::pg_catalog.text[])[1]::bigint)
    ORDER BY id LIMIT $3::pg_catalog.int8
), changed AS (
    UPDATE ONLY public.customers AS customers SET full_name = name
    WHERE ($1::pg_catalog.text[] IS NULL OR (customers.id) > (($1::pg_catalog.text[])[1]::bigint))
    AND (customers.id) <= (SELECT trueup_1 FROM visited ORDER BY trueup_1 DESC LIMIT 1)
    AND (pg_catalog.record_image_ne(ROW(name), ROW(full_name))) AND (name) IS NOT NULL
    RETURNING 1
)
SELECT (SELECT count(*) FROM visited), (SELECT count(*) FROM changed), (SELECT ARRAY[trueup_1::pg_catalog.text] FROM visited ORDER BY trueup_1 DESC LIMIT 1)$$);
CALL pg_temp.trueup_ended(pg_catalog.current_setting('trueup.line')::pg_catalog.int8, 'done', '{}');
\endif

-- batch 3
\echo batch 3, step 3
SELECT pg_temp.trueup_left('{3}') AS trueup_left \gset
\if :trueup_left
BEGIN;
CALL pg_temp.trueup_path('ddl', true);
SET LOCAL lock_timeout = 2000; SET LOCAL statement_timeout = 0;
-- step 3: validate that name and full_name of public.customers are equal
CALL pg_temp.trueup_path('code', true);
ALTER TABLE public.customers VALIDATE CONSTRAINT trueup_equal_bbec0a38;
CALL pg_temp.trueup_path('ddl', true);
CALL pg_temp.trueup_done(3, '{3}');
COMMIT;
\endif

-- batch 4
\echo batch 4, step 4
SELECT pg_temp.trueup_left('{4}') AS trueup_left \gset
\if :trueup_left
BEGIN;
CALL pg_temp.trueup_path('ddl', true);
SET LOCAL lock_timeout = 2000; SET LOCAL statement_timeout = 30000;
-- step 4: add column currency of public.orders
CALL pg_temp.trueup_path('code', true);
ALTER TABLE public.orders ADD COLUMN currency character(3) DEFAULT 'EUR'::bpchar NOT NULL;
CALL pg_temp.trueup_path('ddl', true);
CALL pg_temp.trueup_done(4, '{4}');
COMMIT;
\endif

-- batch 5
\echo batch 5, step 5
SELECT pg_temp.trueup_left('{5}') AS trueup_left \gset
\if :trueup_left
BEGIN;
CALL pg_temp.trueup_path('ddl', true);
SET LOCAL lock_timeout = 800; SET LOCAL statement_timeout = 30000;
-- step 5: add constraint reviews_customer_id_fkey of public.reviews, not yet validated
ALTER TABLE public.reviews ADD CONSTRAINT reviews_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES public.customers(id) ON DELETE SET NULL NOT VALID;
CALL pg_temp.trueup_done(5, '{5}');
COMMIT;
\endif

-- batch 6
\echo batch 6, step 6
SELECT pg_temp.trueup_left('{6}') AS trueup_left \gset
\if :trueup_left
BEGIN;
CALL pg_temp.trueup_path('ddl', true);
SET LOCAL lock_timeout = 2000; SET LOCAL statement_timeout = 0;
-- step 6: validate constraint reviews_customer_id_fkey of public.reviews
CALL pg_temp.trueup_path('code', true);
ALTER TABLE public.reviews VALIDATE CONSTRAINT reviews_customer_id_fkey;
CALL pg_temp.trueup_path('ddl', true);
CALL pg_temp.trueup_done(6, '{6}');
COMMIT;
\endif

-- batch 7, outside any transaction
\echo batch 7, step 7
SELECT pg_temp.trueup_left('{7}') AS trueup_left \gset
\if :trueup_left
-- step 7: create index public.reviews_customer_id_idx on table public.reviews
SELECT pg_temp.trueup_invalid('public.reviews_customer_id_idx') AS trueup_invalid \gset
\if :trueup_invalid
DROP INDEX CONCURRENTLY public.reviews_customer_id_idx;
\endif
CALL pg_temp.trueup_started(7, 7);
SET lock_timeout = 0; SET statement_timeout = 0;
CALL pg_temp.trueup_path('ddl', false);
CREATE INDEX CONCURRENTLY reviews_customer_id_idx ON public.reviews USING btree (customer_id);
SET lock_timeout = 0; SET statement_timeout = 0; SET search_path TO '';
CALL pg_temp.trueup_ended(pg_catalog.current_setting('trueup.line')::pg_catalog.int8, 'done', '{}');
\endif

-- batch 8
\echo batch 8, step 8
SELECT pg_temp.trueup_left('{8}') AS trueup_left \gset
\if :trueup_left
BEGIN;
CALL pg_temp.trueup_path('ddl', true);
SET LOCAL lock_timeout = 2000; SET LOCAL statement_timeout = 30000;
-- step 8: comment on column public.orders.currency
COMMENT ON COLUMN public.orders.currency IS 'ISO 4217. Prices of variants are in EUR.';
CALL pg_temp.trueup_done(8, '{8}');
COMMIT;
\endif

-- batch 9
\echo batch 9, step 9
SELECT pg_temp.trueup_left('{9}') AS trueup_left \gset
\if :trueup_left
BEGIN;
CALL pg_temp.trueup_path('ddl', true);
SET LOCAL lock_timeout = 2000; SET LOCAL statement_timeout = 30000;
-- step 9: alter view public.order_totals
CREATE OR REPLACE VIEW public.order_totals AS
 SELECT o.id AS order_id,
    o.customer_id,
    o.status,
    o.placed_at,
    sum(i.quantity) AS pieces,
    sum(((i.quantity)::numeric * i.unit_price)) AS total,
    o.currency
   FROM (public.orders o
     JOIN public.order_items i ON ((i.order_id = o.id)))
  GROUP BY o.id;
CALL pg_temp.trueup_done(9, '{9}');
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
\echo 'expand applied, not proven: "trueup status" and "trueup verify PLAN" compare the database with the plan'
