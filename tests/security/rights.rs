//! SQL that is loaded, built and rehearsed has no superuser's rights, whoever wrote it; and what needs them comes to be all
//! the same.

use crate::oracle::{self, Database, Ran, runtime};

/// Fails on a throwaway server where it finds a way to a superuser's rights, and says which. On live it only returns.
const PROBE: &str = "
CREATE SCHEMA m;
CREATE FUNCTION m.probe() RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE way text; act text;
BEGIN
    IF current_database() NOT LIKE '%scratch%' THEN RETURN true; END IF;
    FOREACH way IN ARRAY ARRAY['SELECT 1', 'RESET ROLE', 'RESET SESSION AUTHORIZATION', 'SET ROLE trueup_superuser',
                               'SET SESSION AUTHORIZATION trueup_superuser', 'SET ROLE svc', 'SET ROLE powerful'] LOOP
        FOREACH act IN ARRAY ARRAY['COPY (SELECT 1) TO PROGRAM ''cat >/dev/null''', 'SELECT pg_read_file(''PG_VERSION'')',
                'SELECT lo_export(lo_create(0), ''/tmp/trueup-witness'')', 'CREATE ROLE more',
                'ALTER ROLE CURRENT_USER SUPERUSER', 'GRANT pg_execute_server_program TO CURRENT_USER',
                'CREATE FUNCTION m.c() RETURNS int LANGUAGE c AS ''citext'', ''citext_eq''',
                'SET session_replication_role = replica'] LOOP
            BEGIN
                EXECUTE way;
                EXECUTE act;
                RAISE EXCEPTION 'gained: %, %', way, act;
            EXCEPTION WHEN insufficient_privilege OR undefined_object OR invalid_parameter_value THEN NULL; END;
        END LOOP;
    END LOOP;
    RETURN true;
END $$;
CREATE FUNCTION m.on_event() RETURNS event_trigger LANGUAGE plpgsql AS $$
BEGIN
    -- what it tries fires it again
    IF current_setting('m.busy', true) = 'yes' THEN RETURN; END IF;
    PERFORM set_config('m.busy', 'yes', true);
    PERFORM m.probe();
    PERFORM set_config('m.busy', 'no', true);
END $$;
CREATE FUNCTION m.on_row() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM m.probe(); RETURN NEW; END $$;
CREATE FUNCTION m.fine(value int) RETURNS boolean IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN RETURN m.probe(); END $$;
CREATE DOMAIN m.label AS int CHECK (m.fine(VALUE));
CREATE TABLE m.t (id int PRIMARY KEY, a int);
CREATE MATERIALIZED VIEW m.seen AS SELECT m.probe() AS ok;
CREATE EVENT TRIGGER always_begin ON ddl_command_start EXECUTE FUNCTION m.on_event();
CREATE EVENT TRIGGER always_end ON ddl_command_end EXECUTE FUNCTION m.on_event();
ALTER EVENT TRIGGER always_end ENABLE ALWAYS;";

/// What needs a superuser in PostgreSQL, one of each, beside code that runs when desired SQL is loaded.
const NEEDS_ONE: &str = "
DO $$ BEGIN PERFORM m.probe(); EXECUTE format('COMMENT ON TABLE m.t IS %L', current_setting('is_superuser')); END $$;
CREATE EXTENSION citext;
CREATE FUNCTION m.place() RETURNS bigint LANGUAGE internal WINDOW AS 'window_row_number';
CREATE FUNCTION m.sealed(int) RETURNS int LANGUAGE sql LEAKPROOF IMMUTABLE AS 'SELECT $1';
CREATE OPERATOR FAMILY m.family USING btree;
CREATE FOREIGN DATA WRAPPER wrapper;
CREATE PUBLICATION everything FOR ALL TABLES;
CREATE TABLE m.u (id int PRIMARY KEY, name public.citext, l m.label DEFAULT 1, CHECK (m.fine(id)));
CREATE INDEX ON m.u ((m.fine(id)));
CREATE TRIGGER t BEFORE INSERT ON m.u FOR EACH ROW EXECUTE FUNCTION m.on_row();
CREATE MATERIALIZED VIEW m.more AS SELECT m.probe() AS ok;";

async fn on(major: u16) -> Database {
    let database = Database::empty_on(oracle::server_of(Some(major))).await;
    database.execute(PROBE).await;
    database
}

/// Plans on a server of trueup's own.
async fn plan(database: &Database, desired: &str) -> Ran {
    database.write("desired.sql", desired);
    database.trueup_by_itself(&["plan", "--schema", "desired.sql", "--out", "plan", "--manage", "all"]).await
}

fn gains_nothing(major: u16) {
    runtime().block_on(async {
        let database = on(major).await;
        let desired = format!("{PROBE}{NEEDS_ONE}").replace("a int);", "a int CHECK (m.fine(a)));");
        plan(&database, &desired).await.ended(0).unwrap();
        let plan_toml = std::fs::read_to_string(database.path("plan/plan.toml")).unwrap();
        assert!(plan_toml.contains("COMMENT ON TABLE m.t IS 'off'"), "{plan_toml}");
        // a check that cannot fail is none: a superuser of a shadow server gains at once
        let planning = ["plan", "--schema", "desired.sql", "--out", "other", "--manage", "all"];
        database.trueup(&planning).await.fails(1, "gained: SELECT 1, COPY");
        database.execute("DROP EVENT TRIGGER always_begin; DROP EVENT TRIGGER always_end").await;
        database.done().await;
    });
}

#[test]
fn sql_has_no_superusers_rights_where_it_is_rehearsed_on_15() {
    gains_nothing(15);
}

#[test]
fn sql_has_no_superusers_rights_where_it_is_rehearsed_on_18() {
    gains_nothing(18);
}

/// Ways that were found by who attacked it: each would have had a superuser's rights, or another role's that may do more.
#[test]
fn what_was_tried_to_get_a_superusers_rights_gets_none_on_15() {
    gets_none(15);
}

#[test]
fn what_was_tried_to_get_a_superusers_rights_gets_none_on_18() {
    gets_none(18);
}

fn gets_none(major: u16) {
    const EVIL: &str = "
        CREATE FUNCTION evil(x int) RETURNS boolean LANGUAGE plpgsql AS $$
        DECLARE failed boolean := false;
        BEGIN
            BEGIN COPY (SELECT 1) TO PROGRAM 'cat >/dev/null'; EXCEPTION WHEN OTHERS THEN failed := true; END;
            IF NOT failed THEN RAISE EXCEPTION 'gained by %', current_user; END IF;
            RETURN true;
        END $$;
        CREATE DOMAIN dom AS int CHECK (evil(VALUE));";
    // and whether PostgreSQL refuses it to an ordinary role
    const WAYS: &[(&str, bool)] = &[
        // code that a role of PostgreSQL's owns
        (
            "CREATE FUNCTION own() RETURNS boolean LANGUAGE sql SECURITY DEFINER AS 'SELECT evil(1)';
             ALTER FUNCTION public.own() OWNER TO pg_execute_server_program; DO $$BEGIN PERFORM own(); END$$;",
            true,
        ),
        ("CREATE TABLE other (); ALTER TABLE other OWNER TO pg_execute_server_program;", true),
        // constants that are computed when a statement is read
        ("CREATE FUNCTION f(a dom[] DEFAULT '{1}') RETURNS int LANGUAGE sql LEAKPROOF AS 'SELECT 1';", true),
        ("CREATE FUNCTION f() RETURNS dom[] LANGUAGE sql LEAKPROOF RETURN '{1}'::dom[];", true),
        (
            "CREATE EXTENSION file_fdw; CREATE SERVER s FOREIGN DATA WRAPPER file_fdw;
             CREATE FOREIGN TABLE t (a dom[] DEFAULT '{1}') SERVER s OPTIONS (filename '/dev/null');",
            true,
        ),
        // two statements where one is seen
        (
            r"DO $$BEGIN PERFORM set_config('standard_conforming_strings', 'off', false); END$$;
              COMMENT ON LANGUAGE plpgsql IS 'a\''; SELECT evil(99); --';",
            true,
        ),
        // functions that trueup's own statements would call
        (
            "CREATE FUNCTION pg_catalog.pg_get_object_address(text, text, text) RETURNS boolean LANGUAGE sql LEAKPROOF
                 AS 'SELECT public.evil(1)'; COMMENT ON LANGUAGE plpgsql IS 'x';",
            true,
        ),
        ("ALTER FUNCTION pg_catalog.query_to_xml(text, boolean, boolean, text) SECURITY DEFINER LEAKPROOF;", true),
        ("CREATE TABLE t (); GRANT SELECT ON t TO mine; ALTER FUNCTION pg_catalog.pg_read_file(text) OWNER TO mine;", true),
        // names of roles that change places
        (
            "CREATE ROLE mine; CREATE TABLE t (); GRANT SELECT ON t TO mine;
             DO $$BEGIN UPDATE pg_group SET groname = 'aside' WHERE groname = 'mine';
                        UPDATE pg_group SET groname = 'mine' WHERE groname = 'pg_execute_server_program'; END$$;",
            true,
        ),
        // what is not refused runs as the role that it is, at every place
        ("CREATE TABLE t (a dom[] DEFAULT '{1}', CHECK (evil(1)));", false),
    ];
    runtime().block_on(async {
        let database = Database::empty_on(oracle::server_of(Some(major))).await;
        for (way, refused) in WAYS {
            let ran =
                plan(&database, &format!("{EVIL}{way} CREATE VIEW later AS SELECT '{{1}}'::dom[];")).await;
            assert!(!ran.stderr.contains("gained"), "{way}: {}", ran.shown());
            assert_eq!(ran.code, Some(i32::from(*refused)), "{way}: {}", ran.shown());
            let _ = std::fs::remove_dir_all(database.path("plan"));
        }
        database.done().await;
    });
}

/// Where a superuser's statement would call code of somebody, or give it something to call, it is left without.
#[test]
fn what_would_run_code_as_a_superuser_is_refused() {
    runtime().block_on(async {
        let database = Database::empty().await;
        for (desired, words) in [
            (
                "CREATE FUNCTION check_options(text[], oid) RETURNS void LANGUAGE plpgsql AS 'BEGIN END';
                 CREATE FOREIGN DATA WRAPPER w VALIDATOR check_options",
                "permission denied to create foreign-data wrapper",
            ),
            (
                "CREATE FUNCTION write(oid, text) RETURNS int LANGUAGE internal AS 'be_lo_export'",
                "permission denied for language internal",
            ),
            (
                "CREATE FUNCTION run() RETURNS int LANGUAGE c AS '/tmp/evil.so', 'run'",
                "permission denied for language c",
            ),
            ("DO $$ BEGIN CREATE EXTENSION file_fdw; END $$", "permission denied to create extension"),
            (
                "CREATE EXTENSION file_fdw; CREATE SERVER s FOREIGN DATA WRAPPER file_fdw;
                 CREATE FOREIGN TABLE t (line text) SERVER s OPTIONS (program 'id')",
                "only superuser or a role with privileges of the pg_execute_server_program role",
            ),
        ] {
            plan(&database, desired).await.fails(1, words);
        }
        database.done().await;
    });
}

/// Attributes and memberships that desired SQL gives to roles are not theirs where it is rehearsed.
#[test]
fn roles_of_desired_sql_have_no_rights_where_it_is_rehearsed() {
    runtime().block_on(async {
        let database = Database::empty().await;
        database.execute(PROBE).await;
        let desired = format!(
            "CREATE ROLE powerful SUPERUSER; GRANT pg_execute_server_program TO postgres;
             DO $$BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'svc') THEN CREATE ROLE svc SUPERUSER; END IF; END$$;
             DO $$BEGIN CREATE ROLE app; EXCEPTION WHEN duplicate_object THEN NULL; END$$; {PROBE}
             GRANT USAGE ON SCHEMA m TO powerful; DO $$ BEGIN PERFORM m.probe(); END $$"
        );
        plan(&database, &desired).await.ended(0).unwrap();
        database.execute("DROP EVENT TRIGGER always_begin; DROP EVENT TRIGGER always_end").await;
        database.done().await;
    });
}
