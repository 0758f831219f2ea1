
-- ==== What writes the journal: functions that are gone with the session ====

BEGIN;
SELECT pg_catalog.set_config('search_path', pg_catalog.current_setting('trueup.path_of_ddl'), true) AS trueup_ignored \gset
-- Adds an entry to the chain.
CREATE OR REPLACE FUNCTION pg_temp.trueup_entry(pg_catalog.text, pg_catalog.text) RETURNS pg_catalog.void LANGUAGE plpgsql AS $trueup$
BEGIN
    LOOP
        «add_entry»;
        EXIT WHEN FOUND;
    END LOOP;
END
$trueup$;
-- Whether something is left to do of a batch. A pooler may have given the session another backend.
CREATE OR REPLACE FUNCTION pg_temp.trueup_left(steps pg_catalog.int4[]) RETURNS pg_catalog.bool LANGUAGE plpgsql AS $trueup$
DECLARE
    done CONSTANT pg_catalog.int4[] := ARRAY(
«done»
    );
BEGIN
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_locks l WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
                   AND l.pid = pg_catalog.pg_backend_pid() AND (l.classid::pg_catalog.int8 << 32) | l.objid::pg_catalog.int8 = «lock») THEN
        RAISE EXCEPTION 'trueup: this session does not hold trueup''s lock any more: connect without a pooler, and run the script again';
    END IF;
    RETURN «left»;
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
«more»COMMIT;
