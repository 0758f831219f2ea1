//! Desired SQL loaded into a real PostgreSQL. Each case is a function of a session on an empty database of its own.

#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use trueup::postgres::{DatabaseSettings, Scratch, ScratchOptions, Session};
use trueup::source::desired::{Desired, LoadErrors, MissingRoles, SourceFile, load, parse};

fn desired(files: &[(&str, &str)]) -> Desired {
    let files: Vec<SourceFile> = files
        .iter()
        .map(|(name, text)| SourceFile { name: (*name).to_owned(), text: (*text).to_owned() })
        .collect();
    parse(&files).unwrap_or_else(|error| panic!("{error}"))
}

async fn loads(session: &Session, files: &[(&str, &str)]) {
    if let Err(error) = load(session, &desired(files), MissingRoles::Create).await {
        panic!("{error}");
    }
}

async fn refused(session: &Session, text: &str) -> String {
    match load(session, &desired(&[("a.sql", text)]), MissingRoles::Create).await {
        Ok(_) => panic!("{text} loads"),
        Err(error) => error.to_string(),
    }
}

/// The first column of a query, lines joined by `;`.
async fn ask(session: &Session, query: &str) -> String {
    let rows = session.client().query(query, &[]).await.unwrap_or_else(|error| panic!("{query}: {error:?}"));
    rows.iter().map(|row| row.get::<_, String>(0)).collect::<Vec<_>>().join("; ")
}

/// Statements in an order that psql would refuse, and which retries alone would get wrong.
async fn any_order(session: &Session) {
    loads(
        session,
        &[
            (
                "a.sql",
                "CREATE VIEW v AS SELECT *, f(1) AS called FROM app.t;
                 CREATE TRIGGER g BEFORE INSERT ON app.t EXECUTE FUNCTION g();",
            ),
            (
                "b.sql",
                "ALTER TABLE app.t ADD COLUMN late app.mood;
                 ALTER TABLE app.t ADD FOREIGN KEY (id) REFERENCES app.u (code);",
            ),
            (
                "c.sql",
                "CREATE FUNCTION f(bigint) RETURNS text LANGUAGE sql AS 'SELECT ''wide''';
                 CREATE FUNCTION f(app.t) RETURNS int LANGUAGE sql AS 'SELECT 1';",
            ),
            (
                "d.sql",
                "CREATE TABLE app.t (id int PRIMARY KEY REFERENCES app.u);
                 CREATE UNIQUE INDEX CONCURRENTLY ON app.u (code);",
            ),
            (
                "e.sql",
                "CREATE FUNCTION f(int) RETURNS text LANGUAGE sql AS 'SELECT ''narrow''';
                 CREATE TABLE app.u (id int PRIMARY KEY, code int);",
            ),
            (
                "f.sql",
                "CREATE TYPE app.mood AS ENUM ('sad'); ALTER TYPE app.mood ADD VALUE 'ok';
                 CREATE SCHEMA app; CREATE SCHEMA public;",
            ),
            (
                "g.sql",
                "CREATE FUNCTION g() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
                 CREATE MATERIALIZED VIEW m AS SELECT * FROM v; CREATE INDEX ON m (id);",
            ),
            (
                "h.sql",
                "DO $$ BEGIN IF EXISTS (SELECT FROM pg_class WHERE relname = 't') THEN
                 ALTER TABLE app.t ADD CONSTRAINT c CHECK (id > 0); END IF; END $$;",
            ),
        ],
    )
    .await;
    let columns =
        "SELECT string_agg(attname, ',' ORDER BY attnum) FROM pg_attribute WHERE attrelid = 'v'::regclass";
    assert_eq!(ask(session, columns).await, "id,late,called");
    let view = ask(session, "SELECT pg_get_viewdef('v')").await;
    assert!(view.contains("f(1)"), "{view}");
    assert_eq!(ask(session, "SELECT count(*)::text FROM pg_constraint WHERE conname = 'c'").await, "1");
    assert_eq!(ask(session, "SELECT f(1)").await, "narrow");
}

/// What `psql -f` makes of an order that matters.
async fn order_that_matters(session: &Session) {
    loads(
        session,
        &[(
            "a.sql",
            "CREATE TABLE t (a int); CREATE VIEW v AS SELECT a FROM t; ALTER TABLE t RENAME a TO b;
             CREATE TABLE copy (LIKE t INCLUDING ALL); CREATE INDEX ON t (b);
             DROP TABLE IF EXISTS gone; CREATE TABLE gone (a int); DROP TABLE gone;
             CREATE VIEW x AS SELECT 1 AS a; CREATE VIEW y AS SELECT * FROM x;
             CREATE OR REPLACE VIEW x AS SELECT a FROM y;
             CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1';
             CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 2';",
        )],
    )
    .await;
    let view = ask(session, "SELECT pg_get_viewdef('v')").await;
    assert!(view.contains("b AS a"), "{view}");
    assert_eq!(ask(session, "SELECT coalesce(to_regclass('gone')::text, 'none')").await, "none");
    assert_eq!(ask(session, "SELECT count(*)::text FROM pg_indexes WHERE tablename = 'copy'").await, "0");
    assert_eq!(ask(session, "SELECT f()::text").await, "2");
    assert!(ask(session, "SELECT pg_get_viewdef('x')").await.contains("FROM y"));
}

/// A file that drops what it made is a script from there on, whatever the kinds of the statements; others are not.
async fn script(session: &Session) {
    loads(
        session,
        &[
            (
                "a.sql",
                "CREATE TABLE s_t (id int PRIMARY KEY, owner text); CREATE TABLE s_kept (a int);
                 CREATE FUNCTION s_may(text) RETURNS boolean LANGUAGE sql AS 'SELECT true';
                 CREATE POLICY s_p ON s_t USING (s_may(owner));
                 DROP POLICY s_p ON s_t; DROP FUNCTION s_may(text);
                 CREATE FUNCTION s_may(text, int) RETURNS boolean LANGUAGE sql AS 'SELECT $2 > 0';
                 CREATE POLICY s_p ON s_t USING (s_may(owner, id));
                 CREATE VIEW s_v AS SELECT a FROM s_kept; DROP VIEW s_v; DROP TABLE s_kept;
                 CREATE TABLE s_kept (b int); CREATE VIEW s_v AS SELECT * FROM s_kept;
                 CREATE AGGREGATE s_agg(text) (SFUNC = array_append, STYPE = text[], INITCOND = '{}');
                 DROP AGGREGATE s_agg(text);
                 CREATE FOREIGN DATA WRAPPER s_w; CREATE SERVER s_s FOREIGN DATA WRAPPER s_w;
                 CREATE USER MAPPING FOR PUBLIC SERVER s_s; DROP USER MAPPING FOR PUBLIC SERVER s_s;
                 DROP SERVER s_s; DROP FOREIGN DATA WRAPPER s_w;
                 CREATE PUBLICATION s_pub FOR TABLE s_kept; DROP PUBLICATION s_pub;
                 CREATE STATISTICS s_st ON id, owner FROM s_t; DROP STATISTICS s_st;
                 CREATE CAST (s_t AS text) WITH INOUT; DROP CAST (s_t AS text);
                 CREATE OPERATOR FAMILY s_f USING btree; DROP OPERATOR FAMILY s_f USING btree;
                 CREATE OPERATOR <=>< (LEFTARG = int, RIGHTARG = int, FUNCTION = int4eq);
                 DROP OPERATOR <=>< (int, int);
                 CREATE FUNCTION s_e() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
                 CREATE EVENT TRIGGER s_e ON ddl_command_start EXECUTE FUNCTION s_e(); DROP EVENT TRIGGER s_e;",
            ),
            ("b.sql", "CREATE VIEW s_w AS SELECT b FROM s_v; DROP SERVER IF EXISTS elsewhere;"),
            ("c.sql", "CREATE TABLE s_r (b int); COMMENT ON TABLE s_r IS 'x'; CREATE INDEX ON s_r (b);"),
        ],
    )
    .await;
    let left = "SELECT string_agg(found, ' ' ORDER BY found) FROM (
            SELECT oid::regclass::text FROM pg_class WHERE relname LIKE 's\\_%'
            UNION ALL SELECT oid::regprocedure::text FROM pg_proc WHERE proname LIKE 's\\_%'
            UNION ALL SELECT srvname FROM pg_foreign_server UNION ALL SELECT fdwname FROM pg_foreign_data_wrapper
            UNION ALL SELECT pubname FROM pg_publication UNION ALL SELECT evtname FROM pg_event_trigger
            UNION ALL SELECT stxname FROM pg_statistic_ext UNION ALL SELECT opfname FROM pg_opfamily WHERE oid >= 16384
            UNION ALL SELECT 'cast' FROM pg_cast WHERE oid >= 16384
            UNION ALL SELECT oprname FROM pg_operator WHERE oid >= 16384) AS f(found)";
    assert_eq!(
        ask(session, left).await,
        "s_e() s_kept s_may(text,integer) s_r s_r_b_idx s_t s_t_pkey s_v s_w"
    );
    let condition = "SELECT pg_get_expr(polqual, polrelid) FROM pg_policy";
    assert_eq!(ask(session, condition).await, "s_may(owner, id)");
    let again = "CREATE TABLE s_x (a int); DROP TABLE s_x; CREATE VIEW s_y AS SELECT a FROM s_x;";
    assert_eq!(refused(session, again).await, "a.sql:1:76: relation \"s_x\" does not exist");
}

/// So is one that takes a part of what it made away: what is said of the part, and what reads it, belongs to that one.
async fn parts_that_go(session: &Session) {
    loads(
        session,
        &[
            (
                "a.sql",
                "CREATE TABLE p_t (id int PRIMARY KEY, gone text, CONSTRAINT p_c CHECK (id > 0));
                 CREATE VIEW p_v AS SELECT gone FROM p_t; COMMENT ON COLUMN p_t.gone IS 'first';
                 COMMENT ON CONSTRAINT p_c ON p_t IS 'first';
                 ALTER TABLE p_t DROP COLUMN gone CASCADE; ALTER TABLE p_t ADD COLUMN gone int;
                 ALTER TABLE p_t DROP CONSTRAINT p_c; ALTER TABLE p_t ADD CONSTRAINT p_c CHECK (id > 1);
                 CREATE VIEW p_v AS SELECT gone + 1 AS more FROM p_t;
                 CREATE TYPE p_a AS (x int, y int); COMMENT ON COLUMN p_a.y IS 'first';
                 ALTER TYPE p_a DROP ATTRIBUTE y; ALTER TYPE p_a ADD ATTRIBUTE y text;",
            ),
            // may run twice, and reads what stands behind it
            (
                "b.sql",
                "CREATE VIEW p_w AS SELECT key FROM p_k; CREATE TABLE p_k (key int);
                 ALTER TABLE p_k DROP CONSTRAINT IF EXISTS p_u; ALTER TABLE p_k ADD CONSTRAINT p_u UNIQUE (key);
                 CREATE VIEW p_x AS SELECT key FROM p_y; CREATE TABLE p_y (key int);",
            ),
        ],
    )
    .await;
    let left =
        "SELECT string_agg(oid::regclass::text, ' ' ORDER BY 1) FROM pg_class WHERE relname LIKE 'p\\_%'";
    assert_eq!(ask(session, left).await, "p_a p_k p_t p_t_pkey p_u p_v p_w p_x p_y");
    let said = "SELECT count(*)::text FROM pg_description WHERE description = 'first'";
    assert_eq!(ask(session, said).await, "0");
}

/// A block of code waits for what stands before it in its file, and not for what stands behind it.
async fn blocks(session: &Session) {
    loads(
        session,
        &[(
            "a.sql",
            "CREATE TABLE k_t (id int); DO $$ BEGIN NULL; END $$; CREATE VIEW k_v AS SELECT 1 AS x;
             CREATE FUNCTION k_f() RETURNS SETOF k_v LANGUAGE sql AS 'SELECT * FROM k_v';
             DO $$ DECLARE f regprocedure; BEGIN
               FOR f IN SELECT oid::regprocedure FROM pg_proc WHERE proname LIKE 'k\\_%'
               LOOP EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO pg_monitor', f); END LOOP; END $$;",
        )],
    )
    .await;
    let granted = "SELECT (proacl::text LIKE '%pg_monitor=X%')::text FROM pg_proc WHERE proname = 'k_f'";
    assert_eq!(ask(session, granted).await, "true");
}

/// Default privileges hold for what is made behind them in their file, schemas too.
async fn defaults_of_schemas(session: &Session) {
    loads(
        session,
        &[(
            "a.sql",
            "ALTER DEFAULT PRIVILEGES GRANT ALL ON SCHEMAS TO pg_monitor; CREATE SCHEMA d_s;
             ALTER DEFAULT PRIVILEGES REVOKE ALL ON SCHEMAS FROM pg_monitor; CREATE TABLE d_s.t ();",
        )],
    )
    .await;
    let granted =
        "SELECT (nspacl::text LIKE '%pg_monitor=UC%')::text FROM pg_namespace WHERE nspname = 'd_s'";
    assert_eq!(ask(session, granted).await, "true");
    assert_eq!(ask(session, "SELECT count(*)::text FROM pg_default_acl").await, "0");
    // in a script, too
    loads(
        session,
        &[(
            "a.sql",
            "CREATE TABLE d_old (id int); DROP TABLE d_old; CREATE TABLE d_before (id int);
             ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO pg_monitor; CREATE TABLE d_behind (id int);",
        )],
    )
    .await;
    let granted = "SELECT relname::text FROM pg_class WHERE relacl::text LIKE '%pg_monitor=r%' AND relname LIKE 'd\\_%'";
    assert_eq!(ask(session, granted).await, "d_behind");
}

/// Each file has its own settings, and none are left behind.
async fn settings_of_files(session: &Session) {
    loads(
        session,
        &[
            (
                "a.sql",
                "SET search_path = s; SET transaction_timeout = 0; CREATE TABLE t (); CREATE SCHEMA s;",
            ),
            ("b.sql", "CREATE TABLE t ();"),
            ("c.sql", "SELECT pg_catalog.set_config('search_path', '', false); CREATE TABLE s.u ();"),
        ],
    )
    .await;
    let tables =
        "SELECT n.nspname || '.' || c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relkind = 'r' AND n.nspname IN ('s', 'public') ORDER BY 1";
    assert_eq!(ask(session, tables).await, "public.t; s.t; s.u");
    assert_eq!(ask(session, "SELECT current_setting('search_path')").await, "\"$user\", public");
    assert_eq!(ask(session, "SELECT current_setting('check_function_bodies')").await, "on");
}

/// What PostgreSQL refuses is told where it stands, and what failed only because of it is not.
async fn refusals(session: &Session) {
    let text = "CREATE TABLE t (\n  é int,\n  a nosuch);\nCREATE VIEW v AS SELECT * FROM t;
        GRANT SELECT ON t TO PUBLIC;";
    assert_eq!(refused(session, text).await, "a.sql:3:5: type \"nosuch\" does not exist");
    let hint = refused(session, "CREATE TABLE w (a_b int);\nCREATE VIEW x AS\n SELECT ab FROM w;").await;
    assert!(hint.starts_with("a.sql:3:9: column \"ab\" does not exist\n  Perhaps"), "{hint}");
    let twice = refused(session, "CREATE TABLE z (a int);\nCREATE TABLE z (b int);").await;
    assert_eq!(twice, "a.sql:2:1: relation \"z\" already exists");
}

/// Roles that are named are made where that is allowed, and left alone where they are there.
async fn roles(session: &Session) {
    let text =
        "CREATE TABLE t (); GRANT SELECT ON t TO trueup_test_reader; CREATE ROLE trueup_test_writer LOGIN;
        ALTER ROLE trueup_test_writer CREATEDB; ALTER ROLE trueup_test_there CREATEDB;
        GRANT trueup_test_there TO trueup_test_writer;
        DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'trueup_test_reader') THEN
        CREATE ROLE trueup_test_reader; END IF; END $$;";
    session.execute("CREATE ROLE trueup_test_there").await.expect("a role");
    let files = desired(&[("a.sql", text)]);
    match load(session, &files, MissingRoles::Refuse).await {
        Err(LoadErrors::MissingRoles(missing)) => {
            assert_eq!(missing, ["trueup_test_reader", "trueup_test_writer"]);
        }
        other => panic!("{other:?}"),
    }
    let loaded = load(session, &files, MissingRoles::Create).await.unwrap_or_else(|error| panic!("{error}"));
    let states = "SELECT rolname || ' ' || rolcanlogin || ' ' || rolcreatedb FROM pg_roles
        WHERE rolname ~ '^trueup_test_' ORDER BY 1";
    let found = ask(session, states).await;
    let clean = "DROP TABLE t; DROP ROLE trueup_test_reader, trueup_test_writer, trueup_test_there";
    session.execute(clean).await.expect("the roles go");
    assert_eq!(loaded.created_roles, ["trueup_test_reader", "trueup_test_writer"]);
    assert_eq!(
        found,
        "trueup_test_reader false false; trueup_test_there false false; trueup_test_writer true true"
    );
}

/// Runs a case on an empty database of a throwaway server of its own: roles are the whole server's.
async fn on_empty_database(case: impl AsyncFnOnce(&Session)) {
    let options = ScratchOptions::from_env(&|name| std::env::var_os(name));
    let scratch = Scratch::open(&options, &|_| {}).await.expect("a throwaway server");
    let database = scratch.create_database(&DatabaseSettings::default()).await.expect("a database");
    case(database.session()).await;
    drop(database);
    scratch.close().await.expect("the server ends");
}

macro_rules! cases {
    ($($case:ident),*) => {
        mod on_a_server {
            $(#[tokio::test]
            async fn $case() {
                super::on_empty_database(super::$case).await;
            })*
        }
    };
}
cases!(
    any_order,
    order_that_matters,
    script,
    parts_that_go,
    blocks,
    defaults_of_schemas,
    settings_of_files,
    refusals,
    roles
);
