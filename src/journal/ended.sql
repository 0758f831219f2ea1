-- What layout 7 of the journal adds to layout 6. Runs in one transaction, with search_path empty.
CREATE TABLE trueup.abandoned (
    plan    pg_catalog.text PRIMARY KEY,
    name    pg_catalog.text NOT NULL,
    ended   pg_catalog.timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    reason  pg_catalog.text,
    tool    pg_catalog.text NOT NULL,
    role    pg_catalog.text NOT NULL DEFAULT SESSION_USER
);
COMMENT ON TABLE trueup.abandoned IS 'trueup: the plans that are neither finished nor rolled back, and will not be';

CREATE TABLE trueup.refusal (
    id         pg_catalog.int8 GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    plan       pg_catalog.text NOT NULL,
    name       pg_catalog.text NOT NULL,
    direction  pg_catalog.text NOT NULL CHECK (direction IN ('apply', 'rollback')),
    refused    pg_catalog.timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    why        pg_catalog.text NOT NULL,
    tool       pg_catalog.text NOT NULL,
    role       pg_catalog.text NOT NULL DEFAULT SESSION_USER,
    client     pg_catalog.text DEFAULT pg_catalog.host(pg_catalog.inet_client_addr())
);
COMMENT ON TABLE trueup.refusal IS 'trueup: what was refused, where there was a journal already';
UPDATE trueup.layout SET version = 7;
