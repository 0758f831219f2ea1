-- What layout 9 of the journal adds to layout 8. Runs in one transaction, with search_path empty.
ALTER TABLE trueup.approval ADD COLUMN body pg_catalog.text, ADD COLUMN digest pg_catalog.text, ADD COLUMN key pg_catalog.text;
COMMENT ON COLUMN trueup.approval.body IS 'the approval as its file had it, with its signature';
COMMENT ON COLUMN trueup.approval.digest IS 'the SHA-256 of what the signature is of';
COMMENT ON COLUMN trueup.approval.key IS 'the fingerprint of the key that signed, where the signature was checked';

ALTER TABLE trueup.run ADD COLUMN glass pg_catalog.text;
COMMENT ON COLUMN trueup.run.glass IS 'who broke the glass, where approvals were missing';

CREATE TABLE trueup.entry (
    id        pg_catalog.int8 PRIMARY KEY,
    written   pg_catalog.timestamptz NOT NULL,
    kind      pg_catalog.text NOT NULL,
    body      pg_catalog.text NOT NULL,
    role      pg_catalog.text NOT NULL,
    previous  pg_catalog.text NOT NULL,
    hash      pg_catalog.text NOT NULL
);
COMMENT ON TABLE trueup.entry IS 'trueup: everything that happened, in a chain: each entry has the hash of the one before';
COMMENT ON COLUMN trueup.entry.body IS 'what happened, as JSON';
COMMENT ON COLUMN trueup.entry.hash IS 'the SHA-256 of previous, id, written, kind, body and role, each on a line of its own';
-- who writes what runs adds entries; nobody changes them, whatever default privileges say
DO $entry$
DECLARE
    one pg_catalog.record;
BEGIN
    FOR one IN
        SELECT DISTINCT CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(a.grantee)) END AS role
        FROM pg_catalog.pg_class c, LATERAL pg_catalog.aclexplode(c.relacl) AS a
        WHERE c.oid = 'trueup.entry'::pg_catalog.regclass AND a.grantee <> c.relowner
    LOOP
        EXECUTE pg_catalog.format('REVOKE ALL ON trueup.entry FROM %s', one.role);
    END LOOP;
    FOR one IN
        SELECT DISTINCT pg_catalog.pg_get_userbyid(a.grantee) AS role
        FROM pg_catalog.pg_class c,
             LATERAL pg_catalog.aclexplode(COALESCE(c.relacl, pg_catalog.acldefault('r', c.relowner))) AS a
        WHERE c.oid = 'trueup.run'::pg_catalog.regclass AND a.privilege_type = 'INSERT' AND a.grantee <> 0
          AND pg_catalog.pg_get_userbyid(a.grantee) <> CURRENT_USER
    LOOP
        EXECUTE pg_catalog.format('GRANT SELECT, INSERT ON trueup.entry TO %I', one.role);
    END LOOP;
END
$entry$;
UPDATE trueup.layout SET version = 9;
