-- What `trueup audit` makes: whoever changes the schema is written down, by event triggers (manual, chapter 40).
--
-- The function runs as the superuser who makes it, whosever command it is. A schema's owner may drop any table in it and
-- put one with triggers of his own in its place, which would run as that superuser, too: hand_over.sql comes before.
CREATE TABLE IF NOT EXISTS trueup.ddl_event (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    happened    timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    role        text NOT NULL DEFAULT SESSION_USER,
    application text NOT NULL DEFAULT pg_catalog.current_setting('application_name'),
    client      inet DEFAULT pg_catalog.inet_client_addr(),
    command     text NOT NULL,
    object      text NOT NULL
);
CREATE FUNCTION trueup.note_ddl() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $note$
BEGIN
    IF TG_EVENT OPERATOR(pg_catalog.=) 'sql_drop' THEN
        INSERT INTO trueup.ddl_event (command, object)
        SELECT TG_TAG, d.object_identity FROM pg_catalog.pg_event_trigger_dropped_objects() AS d
         -- not what goes with something else as a part of it
         WHERE (d.original OR d.normal AND d.object_type OPERATOR(pg_catalog.<>) 'rule') AND NOT d.is_temporary
           AND d.object_identity IS NOT NULL AND d.schema_name IS DISTINCT FROM 'trueup';
    ELSE
        INSERT INTO trueup.ddl_event (command, object)
        SELECT DISTINCT c.command_tag, c.object_identity FROM pg_catalog.pg_event_trigger_ddl_commands() AS c
         WHERE c.object_identity IS NOT NULL AND c.schema_name IS DISTINCT FROM 'pg_temp'
           AND c.schema_name IS DISTINCT FROM 'trueup';
    END IF;
EXCEPTION WHEN statement_too_complex THEN
    -- at the end of the stack, where whoever goes that deep would not be seen
    RAISE;
WHEN OTHERS THEN
    -- nobody's DDL is to fail because of this
    RAISE WARNING 'trueup: not written down: %', SQLERRM;
END
$note$;
REVOKE ALL ON FUNCTION trueup.note_ddl() FROM PUBLIC;
CREATE EVENT TRIGGER trueup_ddl ON ddl_command_end EXECUTE FUNCTION trueup.note_ddl();
CREATE EVENT TRIGGER trueup_drop ON sql_drop EXECUTE FUNCTION trueup.note_ddl();
-- also where session_replication_role is "replica"
ALTER EVENT TRIGGER trueup_ddl ENABLE ALWAYS;
ALTER EVENT TRIGGER trueup_drop ENABLE ALWAYS;
