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
    FROM trueup.backfill b WHERE b.plan = '«digest»' AND b.step = this;
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
            VALUES ('«digest»', this, COALESCE(last_key, after_key), until_key, all_visited, all_changed, pg_catalog.clock_timestamp())
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
