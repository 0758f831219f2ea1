-- The journal's tables, layout 1; journal/adoption.sql makes it layout 2. Runs in one transaction, with search_path
-- empty, after the schema exists.
CREATE TABLE trueup.layout (version pg_catalog.int4 PRIMARY KEY);
COMMENT ON TABLE trueup.layout IS 'trueup: the version of these tables';
INSERT INTO trueup.layout (version) VALUES (1);

CREATE TABLE trueup.run (
    id             pg_catalog.int8 GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    plan           pg_catalog.text NOT NULL,
    name           pg_catalog.text NOT NULL,
    phase          pg_catalog.text NOT NULL CHECK (phase IN ('expand', 'contract')),
    direction      pg_catalog.text NOT NULL CHECK (direction IN ('apply', 'rollback')),
    started        pg_catalog.timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    finished       pg_catalog.timestamptz,
    outcome        pg_catalog.text CHECK (outcome IN ('done', 'stopped')),
    remark         pg_catalog.text,
    schemas        pg_catalog.text[] NOT NULL,
    tool           pg_catalog.text NOT NULL,
    role           pg_catalog.text NOT NULL DEFAULT SESSION_USER,
    client         pg_catalog.text DEFAULT pg_catalog.host(pg_catalog.inet_client_addr()),
    backend_pid    pg_catalog.int4 NOT NULL DEFAULT pg_catalog.pg_backend_pid(),
    backend_start  pg_catalog.timestamptz
);
COMMENT ON TABLE trueup.run IS 'trueup: one line for each time that a phase of a plan was applied or rolled back';
COMMENT ON COLUMN trueup.run.plan IS 'the SHA-256 of plan.toml';
COMMENT ON COLUMN trueup.run.outcome IS 'done: proven equal to the checkpoint; stopped: part-way; NULL: running, or its client died';
COMMENT ON COLUMN trueup.run.schemas IS 'the schemas that the plan manages';
COMMENT ON COLUMN trueup.run.backend_start IS 'with backend_pid: the session that ran it';

CREATE TABLE trueup.step (
    id        pg_catalog.int8 GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    run       pg_catalog.int8 NOT NULL REFERENCES trueup.run (id),
    step      pg_catalog.int4 NOT NULL,
    batch     pg_catalog.int4 NOT NULL,
    started   pg_catalog.timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    finished  pg_catalog.timestamptz,
    outcome   pg_catalog.text CHECK (outcome IN ('done', 'not done'))
);
CREATE INDEX ON trueup.step (run);
COMMENT ON TABLE trueup.step IS 'trueup: the steps that ran. Those of a transaction are committed with it; one outside a transaction is written before and after';
COMMENT ON COLUMN trueup.step.outcome IS 'done; not done: it failed, or was found to have had no effect; NULL: started, and its end is in doubt';

CREATE TABLE trueup.approval (
    run       pg_catalog.int8 NOT NULL REFERENCES trueup.run (id),
    approver  pg_catalog.text NOT NULL,
    role      pg_catalog.text,
    accepts   pg_catalog.text[] NOT NULL,
    reason    pg_catalog.text,
    created   pg_catalog.timestamptz NOT NULL,
    expires   pg_catalog.timestamptz,
    PRIMARY KEY (run, approver)
);
COMMENT ON TABLE trueup.approval IS 'trueup: the approvals under which a phase was applied';
