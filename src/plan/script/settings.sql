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
«settings»
