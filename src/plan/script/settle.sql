
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
«operations»
        ) AS it (step, direction, operation, name, parent, also) ON it.step = s.step AND it.direction = r.direction
        WHERE r.plan = '«digest»' AND s.outcome IS NULL
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
           OR one.operation = 'build' AND NOT is_done AND «back»
           OR one.operation = 'detach' AND EXISTS (SELECT FROM pg_catalog.pg_inherits i WHERE i.inhdetachpending
                                                   AND i.inhrelid = pg_catalog.to_regclass(one.name)) THEN
            RAISE EXCEPTION 'trueup: step % was interrupted, and left something that the script cannot judge: go on with `«command»`', one.step;
        END IF;
        is_done := COALESCE(is_done, false);
        CALL pg_temp.trueup_ended(one.id, CASE WHEN is_done THEN 'done' ELSE 'not done' END,
                                  CASE WHEN is_done THEN one.also::pg_catalog.int4[] ELSE '{}' END);
    END LOOP;
END
$trueup$;
