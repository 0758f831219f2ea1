
-- ==== The run begins: the journal is made where there is none, and has the plan as plan.toml says it ====

SELECT pg_catalog.to_regclass('trueup.layout') IS NULL AS trueup_fresh \gset
BEGIN;
SET LOCAL lock_timeout = '10s';
«create»«keep»DO $trueup$
DECLARE
    own_run pg_catalog.int8;
BEGIN
    IF NOT EXISTS (SELECT FROM trueup.plan p WHERE p.digest = '«digest»'
                   AND pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(p.body, 'UTF8')), 'hex') = p.digest) THEN
        RAISE EXCEPTION 'trueup: the journal or this file does not have the plan as it was made: a line, or its line ends, were changed';
    END IF;
«forget»    INSERT INTO trueup.run (plan, name, phase, direction, schemas, tool, backend_start)
    SELECT '«digest»', «name», '«phase»', '«direction»', «schemas», «tool», a.backend_start
    FROM pg_catalog.pg_stat_activity a WHERE a.pid = pg_catalog.pg_backend_pid()
    RETURNING id INTO own_run;
    PERFORM pg_temp.trueup_entry('run', «entry_before» || own_run || «entry_after»);
    PERFORM pg_catalog.set_config('trueup.run', own_run::pg_catalog.text, false);
END
$trueup$;
COMMIT;
\set SHOW_CONTEXT errors
