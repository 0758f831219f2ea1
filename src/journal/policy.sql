-- What layout 5 of the journal adds to layout 4. Runs in one transaction, with search_path empty.
CREATE TABLE trueup.policy (
    id      pg_catalog.int8 GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    pinned  pg_catalog.timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    body    pg_catalog.text,
    role    pg_catalog.text NOT NULL DEFAULT SESSION_USER,
    client  pg_catalog.text DEFAULT pg_catalog.host(pg_catalog.inet_client_addr())
);
COMMENT ON TABLE trueup.policy IS 'trueup: what approvals must amount to here, whatever trueup.toml says; the last line holds';
COMMENT ON COLUMN trueup.policy.body IS 'the policy as JSON; NULL: none';
UPDATE trueup.layout SET version = 5;
