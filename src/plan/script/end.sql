
-- ==== The run ends ====

BEGIN;
UPDATE trueup.run SET finished = pg_catalog.clock_timestamp(), outcome = 'done', remark = «remark»
WHERE id = pg_catalog.current_setting('trueup.run')::pg_catalog.int8;
SELECT pg_temp.trueup_entry('end', «entry_before» || pg_catalog.current_setting('trueup.run') || «entry_after») AS trueup_ignored \gset
COMMIT;
SELECT pg_catalog.pg_advisory_unlock(«lock») AS trueup_ignored \gset
-- no backticks here: psql would run what is between them
\echo '«phase» «ended», not proven: "trueup status" and "trueup verify PLAN" compare the database with the plan'
