\if :trueup_fresh
CALL pg_temp.trueup_path('ddl', true);
DO $trueup$
BEGIN
    IF pg_catalog.to_regnamespace('trueup') IS NULL THEN
        CREATE SCHEMA trueup;
        «comment»;
    END IF;
END
$trueup$;
«tables»
SET LOCAL search_path TO '';
\endif
