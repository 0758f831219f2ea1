-- What layout 3 of the journal adds to layout 2. Runs in one transaction, with search_path empty.
CREATE TABLE trueup.backfill (
    plan     pg_catalog.text NOT NULL,
    step     pg_catalog.int4 NOT NULL,
    cursor   pg_catalog.text[],
    until    pg_catalog.text[],
    visited  pg_catalog.int8 NOT NULL,
    changed  pg_catalog.int8 NOT NULL,
    updated  pg_catalog.timestamptz NOT NULL,
    PRIMARY KEY (plan, step)
);
COMMENT ON TABLE trueup.backfill IS 'trueup: how far each backfill is; written in the transaction of each batch of rows';
COMMENT ON COLUMN trueup.backfill.cursor IS 'the last key that was visited, or the next block where the table has no key';
COMMENT ON COLUMN trueup.backfill.until IS 'the last key that there was when the backfill began';
UPDATE trueup.layout SET version = 3;
