-- What layout 4 of the journal adds to layout 3. Runs in one transaction, with search_path empty.
CREATE TABLE trueup.plan (
    digest  pg_catalog.text PRIMARY KEY,
    phases  pg_catalog.text[] NOT NULL,
    body    pg_catalog.text NOT NULL
);
COMMENT ON TABLE trueup.plan IS 'trueup: the plans that were applied, so that one that is between its phases is known to who plans meanwhile';
COMMENT ON COLUMN trueup.plan.body IS 'plan.toml';
UPDATE trueup.layout SET version = 4;
