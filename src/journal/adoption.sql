-- What layout 2 of the journal adds to layout 1. Runs in one transaction, with search_path empty.
CREATE TABLE trueup.adoption (
    id              pg_catalog.int8 GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    adopted         pg_catalog.timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    schemas         pg_catalog.text[] NOT NULL,
    objects         pg_catalog.int8 NOT NULL,
    fingerprint     pg_catalog.text NOT NULL,
    server_version  pg_catalog.int4 NOT NULL,
    tool            pg_catalog.text NOT NULL,
    role            pg_catalog.text NOT NULL DEFAULT SESSION_USER,
    client          pg_catalog.text DEFAULT pg_catalog.host(pg_catalog.inet_client_addr())
);
COMMENT ON TABLE trueup.adoption IS 'trueup: one line for each time that the database was taken as it was';
COMMENT ON COLUMN trueup.adoption.schemas IS 'the schemas that are managed from then on';
COMMENT ON COLUMN trueup.adoption.fingerprint IS 'the SHA-256 of their objects, as this version of trueup reads them from this version of the server';
UPDATE trueup.layout SET version = 2;
