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
