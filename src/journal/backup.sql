-- What layout 6 of the journal adds to layout 5. Runs in one transaction, with search_path empty.
ALTER TABLE trueup.run ADD COLUMN backup pg_catalog.text;
COMMENT ON COLUMN trueup.run.backup IS 'what the command that proves a backup said before the run; NULL: none was asked for';
UPDATE trueup.layout SET version = 6;
