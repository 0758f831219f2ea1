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
