//! What is looked at before a plan runs: each check with what makes it warn or fail, and that nothing is changed by it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

use crate::oracle;
use std::collections::BTreeMap;

use crate::oracle::{Database, own_server::OwnServer, runtime, server_of};

const BEFORE: &str = "CREATE TABLE ship (id int PRIMARY KEY, name text);
    INSERT INTO ship SELECT n, 'ship ' || n FROM generate_series(1, 1000) n;";
const AFTER: &str =
    "CREATE TABLE ship (id int PRIMARY KEY, name text, flag text); CREATE INDEX by_name ON ship (name);";

/// A server whose settings let everything happen that is looked for, and a database on it with a plan.
async fn planned(settings: &[&str]) -> (OwnServer, Database) {
    let server = OwnServer::with(settings).await;
    let target = Box::leak(Box::new(server.target.clone()));
    for role in oracle::ROLES {
        let session = trueup::postgres::Session::connect(target).await.unwrap();
        session.client().batch_execute(&format!("CREATE ROLE {}", trueup::sql::ident(role))).await.unwrap();
        session.close().await;
    }
    let database = Database::with_on(target, BEFORE).await.unwrap();
    database.plan(AFTER).await;
    let url = oracle::url(&database.target);
    database.write(
        "trueup.toml",
        &format!("[env.test]\nurl = \"{url}\"\nlong_transaction_seconds = 0\nfree_space = \"cat free\"\n"),
    );
    database.write("free", "1000000000\n");
    (server, database)
}

const PREFLIGHT: &[&str] = &["preflight", "plan", "--env", "test", "--phase", "all", "--format", "json"];

/// The verdicts and what was found, by name; the exit code says the same.
async fn checks(database: &Database) -> BTreeMap<String, (String, String)> {
    let ran = database.trueup(PREFLIGHT).await;
    let found: serde_json::Value =
        serde_json::from_str(&ran.stdout).unwrap_or_else(|_| panic!("{}", ran.shown()));
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let mut all = BTreeMap::new();
    for check in found["checks"].as_array().unwrap() {
        assert_eq!(
            check["verdict"] == "pass",
            check["next"].is_null(),
            "{check}: what is wrong says what to do"
        );
        all.insert(text(&check["name"]), (text(&check["verdict"]), text(&check["what"])));
    }
    let failed = all.values().any(|(verdict, _)| verdict == "fail");
    assert_eq!(ran.code, Some(if failed { 3 } else { 0 }), "{}", ran.shown());
    all
}

#[track_caller]
fn says(checks: &BTreeMap<String, (String, String)>, name: &str, verdict: &str, what: &str) {
    let Some((is, found)) = checks.get(name) else { panic!("no {name} in {checks:#?}") };
    assert!(is == verdict && found.contains(what), "{name}: {is}: {found}\n{checks:#?}");
}

#[test]
fn each_check_finds_what_it_looks_for() {
    runtime().block_on(async {
        let (_server, database) = planned(&[
            "max_prepared_transactions=2",
            "max_connections=14",
            "superuser_reserved_connections=3",
            "wal_level=replica",
        ])
        .await;
        let state = database.state().await;
        let found = checks(&database).await;
        says(&found, "approvals", "fail", "phase expand is not approved");
        database.approve("plan").await.unwrap();
        let found = checks(&database).await;
        for name in [
            "connection",
            "server",
            "phase",
            "approvals",
            "privileges",
            "staleness",
            "data",
            "extensions",
            "transactions",
            "prepared transactions",
            "invalid indexes",
            "autovacuum",
            "replication",
            "replication slots",
            "connections",
            "disk",
        ] {
            says(&found, name, "pass", "");
        }
        says(&found, "phase", "pass", "expand would run; not applied");
        says(&found, "disk", "pass", "953 MB are free");
        let markdown = database.trueup(&["preflight", "plan", "--env", "test", "--format", "markdown"]).await;
        assert!(markdown.ended(0).unwrap().stdout.contains("| pass | privileges | the role owns what"));

        // who holds a lock or a snapshot for long
        let holder = database.session().await;
        holder.client().batch_execute("BEGIN; LOCK TABLE ship IN ROW SHARE MODE").await.unwrap();
        let reader = database.session().await;
        reader.client().batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1").await.unwrap();
        let found = checks(&database).await;
        says(&found, "transactions", "warn", "has locks on public.ship");
        says(&found, "transactions", "warn", "CREATE INDEX CONCURRENTLY waits for its end");
        holder.client().batch_execute("ROLLBACK").await.unwrap();
        reader.client().batch_execute("ROLLBACK").await.unwrap();
        reader.close().await;

        // what nothing ends by itself is refused by apply, too
        holder
            .client()
            .batch_execute("BEGIN; LOCK TABLE ship IN ROW SHARE MODE; PREPARE TRANSACTION 'left \"behind'")
            .await
            .unwrap();
        let found = checks(&database).await;
        says(&found, "prepared transactions", "fail", "\"left \"behind\" has locks on public.ship");
        let apply = ["apply", "plan", "--env", "test", "--phase", "all"];
        database.trueup(&apply).await.fails(3, "preflight: prepared transactions: ");
        assert_eq!(database.state().await, state, "something was changed");
        holder.client().batch_execute("ROLLBACK PREPARED 'left \"behind'").await.unwrap();
        holder.close().await;

        database.execute("SELECT pg_create_physical_replication_slot('nobody', true)").await;
        let found = checks(&database).await;
        says(&found, "replication slots", "warn", "inactive: nobody keeps ");
        database.execute("SELECT pg_drop_replication_slot('nobody')").await;

        for (free, verdict, what) in [
            ("10", "fail", "are needed, and 0 kB are free"),
            ("200000", "warn", "are needed of the 195 kB that are free"),
            ("much", "warn", "free_space printed \"much\", which is no number of bytes"),
        ] {
            database.write("free", free);
            says(&checks(&database).await, "disk", verdict, what);
        }
        database.write("free", "10");
        database.trueup(&apply).await.fails(3, "preflight: disk: ");
        std::fs::remove_file(database.path("free")).unwrap();
        says(&checks(&database).await, "disk", "warn", "free_space: exit status: 1");
        database.write("free", "1000000000");

        // an index that was not built to its end, by a session that is gone
        let broken = "CREATE UNIQUE INDEX CONCURRENTLY broken ON ship ((id / 2))";
        let session = database.session().await;
        session.client().batch_execute(broken).await.unwrap_err();
        session.close().await;
        let found = checks(&database).await;
        says(&found, "invalid indexes", "warn", "public.broken on public.ship");
        // in nobody's way
        says(&found, "staleness", "pass", "");
        database.execute("DROP INDEX broken").await;

        // two are needed, and eleven are for everybody
        let mut sessions = Vec::new();
        while database
            .ask("SELECT count(*)::text FROM pg_stat_activity WHERE backend_type = 'client backend'")
            .await
            != "10"
        {
            sessions.push(database.session().await);
        }
        says(&checks(&database).await, "connections", "fail", "11 of 11 are in use");
        for session in sessions {
            session.close().await;
        }
    });
}

/// What a catalog can have and a good one has not is said when a phase is done, and stays in the journal.
#[test]
fn what_is_not_as_it_should_be_afterwards_is_said() {
    runtime().block_on(async {
        let schema = |more: &str| {
            format!(
                "CREATE TABLE ship (id serial PRIMARY KEY, name text{more});
                 ALTER TABLE ship ADD CONSTRAINT named CHECK (name <> '') NOT VALID;
                 CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
                 CREATE TRIGGER off BEFORE INSERT ON ship FOR EACH ROW EXECUTE FUNCTION f();
                 ALTER TABLE ship DISABLE TRIGGER off;"
            )
        };
        let database =
            Database::with(&format!("{} INSERT INTO ship VALUES (7, 'x')", schema(""))).await.unwrap();
        database.plan_approved(&schema(", flag text")).await;
        let applied = database.trueup(&["apply", "plan"]).await.ended(0).unwrap();
        let history = database.trueup(&["history"]).await.ended(0).unwrap();
        for what in [
            "constraints: named of public.ship is not validated",
            "triggers: off of public.ship is disabled",
            "sequences: public.ship_id_seq of public.ship is at 1, and 7 is there",
        ] {
            assert!(applied.stderr.contains(what), "{what}:\n{}", applied.shown());
            assert!(history.stdout.contains(what), "{what}:\n{}", history.shown());
        }
        database.execute("SELECT setval('ship_id_seq', 7)").await;
        let back = database.trueup(&["rollback", "plan"]).await.ended(0).unwrap();
        assert!(!back.stderr.contains("sequences"), "{}", back.shown());
        database.done().await;
    });
}

/// A backup that nobody proves is none: asked before the first statement of each apply, and kept in the journal.
#[test]
fn a_backup_is_proven_before_anything_is_changed() {
    runtime().block_on(async {
        let database = Database::with(BEFORE).await.unwrap();
        database.plan_approved(AFTER).await;
        let config = |command: &str| {
            let text =
                format!("[env.x]\nurl_env = \"DATABASE_URL\"\nbackup = {command:?}\nbackup_hours = 2\n");
            database.write("trueup.toml", &text);
        };
        let apply = ["apply", "plan", "--env", "x", "--phase", "all"];
        let before = database.state().await;
        config("true");
        database.approve("plan").await.unwrap();
        for (command, why) in [
            (
                "echo 5 60; echo nowhere to be found >&2; exit 3",
                "ended with exit status: 3: nowhere to be found",
            ),
            ("echo about 7 GB", "printed \"about 7 GB\""),
            ("true", "printed \"\""),
            ("echo 0 60", "it is empty"),
            ("echo 7000 7201", "2 h at most are asked for"),
        ] {
            config(command);
            database.trueup(&apply).await.fails(3, why);
            let looked = database.trueup(&["preflight", "plan", "--env", "x"]).await.ended(3).unwrap();
            assert!(looked.stdout.contains("backup"), "{}", looked.shown());
        }
        assert_eq!(database.state().await, before, "something was written");
        config("echo taken from the shelf; echo 73400320 3600");
        database.trueup(&apply).await.ended(0).unwrap();
        let kept = "73400320 bytes (70 MB), 3600 s old (60 min)";
        assert_eq!(database.ask("SELECT DISTINCT backup FROM trueup.run").await, kept);
        let history = database.trueup(&["history"]).await.ended(0).unwrap().stdout;
        assert!(history.contains(&format!("backup of {kept}")), "{history}");
        // going back needs none
        config("exit 1");
        database.trueup(&["rollback", "plan", "--env", "x"]).await.ended(0).unwrap();
        database.done().await;
    });
}

/// A vacuum that prevents wraparound gives way to nobody: PostgreSQL's own worker, slowed down, on a table that is old.
#[test]
fn a_vacuum_against_wraparound_is_not_fought() {
    runtime().block_on(async {
        let (_server, database) = planned(&["autovacuum_naptime=1"]).await;
        // a vacuum or an analyze for the rows that come would be as slow, and come first
        let age = "autovacuum_freeze_max_age = 100000, autovacuum_vacuum_cost_delay = 100, autovacuum_vacuum_cost_limit = 1, \
                   autovacuum_vacuum_insert_threshold = -1, autovacuum_analyze_threshold = 2000000000";
        let ship = |more: &str| format!("CREATE TABLE ship (id int PRIMARY KEY, name text{more}) WITH ({age});");
        let options = format!("ALTER TABLE ship SET ({age}); INSERT INTO ship SELECT n, 'more' FROM generate_series(1001, 50000) n");
        database.execute(&options).await;
        std::fs::remove_dir_all(database.path("plan")).unwrap();
        database.plan_approved(&ship(", flag text")).await;
        says(&checks(&database).await, "autovacuum", "pass", "");

        let grow_old =
            "DO $$ BEGIN FOR n IN 1..110000 LOOP PERFORM pg_catalog.pg_current_xact_id(); COMMIT; END LOOP; END $$";
        database.execute(grow_old).await;
        let began = std::time::Instant::now();
        let works = "SELECT count(*)::text FROM pg_stat_activity WHERE query LIKE 'autovacuum: %public.ship %wraparound)'";
        while database.ask(works).await == "0" {
            assert!(began.elapsed().as_secs() < 60, "no vacuum came");
        }
        says(&checks(&database).await, "autovacuum", "fail", " vacuums public.ship to prevent wraparound");
        let state = database.state().await;
        database.trueup(&["apply", "plan", "--env", "test", "--phase", "all"]).await.fails(3, "preflight: autovacuum: ");
        assert_eq!(database.state().await, state, "something was changed");
    });
}

/// What the rehearsal's server can install and the target cannot.
#[test]
fn an_extension_that_the_server_does_not_have_is_missed_before_anything_is_changed() {
    use std::os::unix::fs::PermissionsExt;
    runtime().block_on(async {
        let shelf = tempfile::Builder::new()
            .permissions(std::fs::Permissions::from_mode(0o755))
            .tempdir_in("/tmp")
            .unwrap();
        let files = shelf.path().join("extension");
        std::fs::create_dir(&files).unwrap();
        std::fs::set_permissions(&files, std::fs::Permissions::from_mode(0o755)).unwrap();
        std::fs::write(files.join("fruit.control"), "default_version = '1'\nrelocatable = true\n").unwrap();
        std::fs::write(
            files.join("fruit--1.sql"),
            "CREATE FUNCTION pear() RETURNS int LANGUAGE sql RETURN 1;",
        )
        .unwrap();
        let setting = format!("extension_control_path={}:$system", shelf.path().display());
        // of 18, which looks for extensions where it is told to
        let rich = OwnServer::of(18, &[&setting]).await;

        let database = Database::with_on(server_of(Some(18)), BEFORE).await.unwrap();
        database.write("desired.sql", &format!("CREATE EXTENSION fruit; {AFTER}"));
        let planning = ["plan", "--schema", "desired.sql", "--out", "plan"];
        let mut command = database.command(&planning);
        command.env("TRUEUP_SHADOW_URL", oracle::url(&rich.target));
        oracle::finish(command, &planning).await.ended(0).unwrap();
        database.approve("plan").await.unwrap();
        let state = database.state().await;
        let looked = database.trueup(&["preflight", "plan"]).await.ended(3).unwrap();
        assert!(looked.stdout.contains("the server does not have fruit"), "{}", looked.shown());
        database
            .trueup(&["apply", "plan"])
            .await
            .fails(3, "preflight: extensions: the server does not have fruit");
        assert_eq!(database.state().await, state, "something was changed");
        database.done().await;
    });
}

/// A standby that has stopped replaying is more than a gigabyte behind.
#[test]
fn a_follower_that_does_not_keep_up_is_said() {
    runtime().block_on(async {
        // what is behind is all that matters here, not what is in it
        let (server, database) = planned(&["wal_init_zero=off", "wal_recycle=off", "wal_keep_size=4GB", "max_wal_size=4GB"]).await;
        let follower = server.follower().await;
        let state = "SELECT COALESCE((SELECT state FROM pg_stat_replication), '')";
        while database.ask(state).await != "streaming" {}
        says(&checks(&database).await, "replication", "pass", "1 follower keeps up");
        let session = trueup::postgres::Session::connect(&follower.target).await.unwrap();
        session.client().batch_execute("SELECT pg_wal_replay_pause()").await.unwrap();
        session.close().await;
        let segments = "DO $$ BEGIN FOR n IN 1..70 LOOP PERFORM pg_switch_wal(); PERFORM txid_current(); COMMIT; END LOOP; END $$";
        database.execute(segments).await;
        let found = checks(&database).await;
        says(&found, "replication", "warn", "follower (");
        says(&found, "replication", "warn", " behind");
    });
}

/// What is asked of the data stands in the plan, and calls what the database has: an approval is what says that it may.
#[test]
fn the_data_is_not_asked_before_the_plan_is_approved() {
    runtime().block_on(async {
        let before = "CREATE TABLE ship (id int); INSERT INTO ship VALUES (1); CREATE TABLE loud (id int);
            CREATE FUNCTION fits(id int) RETURNS boolean LANGUAGE plpgsql AS $$
            BEGIN IF EXISTS (SELECT FROM public.loud) THEN RAISE SQLSTATE '22000' USING MESSAGE = 'I was called'; END IF; RETURN true; END $$;";
        let database = Database::with(before).await.unwrap();
        database.plan(&format!("{before} ALTER TABLE ship ADD CHECK (fits(id));").replace("INSERT INTO ship VALUES (1);", "")).await;
        database.execute("INSERT INTO loud VALUES (1)").await;
        let unasked = database.trueup(&["preflight", "plan"]).await.ended(3).unwrap();
        let said = "not asked: what the plan asks of the data is run once it is approved";
        assert!(unasked.stdout.contains(said) && !unasked.shown().contains("I was called"), "{}", unasked.shown());
        database.approve("plan").await.unwrap();
        let asked = database.trueup(&["preflight", "plan"]).await;
        assert!(asked.shown().contains("I was called"), "{}", asked.shown());
        database.done().await;
    });
}

/// Each thing that apply refuses, preflight has said before, in the same words; and where preflight finds nothing, apply goes on.
#[test]
fn preflight_passes_nothing_that_apply_refuses() {
    runtime().block_on(async {
        const FORCED: &str = "ALTER TABLE t ENABLE ROW LEVEL SECURITY; ALTER TABLE t FORCE ROW LEVEL SECURITY;";
        let database = Database::with(&format!(
            "CREATE TABLE t (id int PRIMARY KEY, a int); INSERT INTO t SELECT n, 1 FROM generate_series(1, 10) n; {FORCED}"
        ))
        .await
        .unwrap();
        let name = database.target.database().to_owned();
        let (owner, reader) = (format!("owner_{name}"), format!("reader_{name}"));
        database
            .execute(&format!(
                "CREATE ROLE {owner} LOGIN BYPASSRLS; CREATE ROLE {reader}; ALTER TABLE t OWNER TO {owner}; REVOKE CREATE ON DATABASE {name} FROM {owner}; GRANT ALL ON SCHEMA public TO {owner}"
            ))
            .await;
        let url = oracle::url(&database.target.with_user(&owner, None));
        database.write("trueup.toml", &format!("[env.night]\nurl = \"{url}\"\n"));
        database.write(
            "desired.sql",
            &format!(
                "CREATE TABLE t (id int PRIMARY KEY, a int UNIQUE, b text NOT NULL -- @backfill using='b'||id\n); {FORCED} GRANT SELECT ON t TO {reader};"
            ),
        );
        database.execute("UPDATE t SET a = id").await;
        let planning = ["plan", "--env", "night", "--schema", "desired.sql", "--out", "plan"];
        database.trueup(&planning).await.ended(0).unwrap();
        let agree = async |command: &str, check: &str, why: &str| {
            let (first, rest) = command.split_once(' ').unwrap_or((command, ""));
            let rest: Vec<&str> = ["plan", "--env", "night"].into_iter().chain(rest.split_whitespace()).collect();
            let back: &[&str] = if first == "rollback" { &["--rollback"] } else { &[] };
            let json: &[&str] = &["--format", "json"];
            let said = database.trueup(&[&["preflight"], &rest[..], back, json].concat()).await.ended(3).unwrap();
            let found: serde_json::Value = serde_json::from_str(&said.stdout).unwrap();
            let checks = found["checks"].as_array().unwrap();
            let failed = checks.iter().find(|one| one["verdict"] == "fail").unwrap();
            assert_eq!(failed["name"], check, "{}", said.shown());
            assert!(failed["what"].as_str().unwrap().contains(why), "{why}: {}", said.shown());
            database.trueup(&[&[first], &rest[..]].concat()).await.fails(3, why);
        };
        agree("apply", "approvals", "phase expand is not approved").await;
        database.approve("plan").await.unwrap();
        agree("apply --phase contract", "phase", "phase expand has not been applied yet").await;
        agree("apply --phase all", "journal", &format!("role \"{owner}\" may not create the schema trueup")).await;
        database.execute(&format!("GRANT CREATE ON DATABASE {name} TO {owner}; ALTER ROLE {owner} NOBYPASSRLS")).await;
        agree("apply", "row security", &format!("row security hides rows of public.t from its owner {owner}")).await;
        database.execute(&format!("ALTER ROLE {owner} BYPASSRLS; ALTER ROLE {reader} RENAME TO elsewhere_{name}")).await;
        agree("apply", "roles", &format!("there is no role {reader}")).await;
        database.execute(&format!("ALTER ROLE elsewhere_{name} RENAME TO {reader}; UPDATE t SET a = 1 WHERE id < 3")).await;
        agree("apply", "data", "rows are in the way").await;
        database.execute("UPDATE t SET a = id; ALTER TABLE t OWNER TO CURRENT_USER").await;
        agree("apply", "privileges", "does not own table public.t").await;
        database.execute(&format!("ALTER TABLE t OWNER TO {owner}; ALTER TABLE t ALTER a TYPE bigint")).await;
        agree("apply", "staleness", "the plan is stale: column public.t.a").await;
        database.execute("ALTER TABLE t ALTER a TYPE int").await;
        let made = "SELECT concat(to_regnamespace('trueup'), (SELECT attname FROM pg_attribute WHERE attrelid = 't'::regclass AND attname = 'b'))";
        assert_eq!(database.ask(made).await, "", "something was changed");

        let preflight = ["preflight", "plan", "--env", "night"];
        database.trueup(&preflight).await.ended(0).unwrap();
        database.trueup(&["apply", "plan", "--env", "night"]).await.ended(0).unwrap();
        // and the way back
        database.execute(&format!("REVOKE INSERT ON trueup.run FROM {owner}")).await;
        agree("rollback", "journal", "may not write to the journal: INSERT on trueup.run").await;
        database.execute(&format!("GRANT INSERT ON trueup.run TO {owner}")).await;
        database.trueup(&["apply", "plan", "--env", "night", "--phase", "contract"]).await.ended(0).unwrap();
        agree("rollback --phase expand", "phase", "phase contract must be rolled back first").await;
        let back = database.trueup(&[&preflight[..], &["--rollback"]].concat()).await.ended(0).unwrap();
        assert!(back.stdout.contains("losses") && back.stdout.contains("contract, expand would be undone"), "{}", back.shown());
        database.trueup(&["rollback", "plan", "--env", "night"]).await.ended(0).unwrap();
        database
            .execute(&format!(
                "REASSIGN OWNED BY {owner} TO CURRENT_USER; DROP OWNED BY {owner}, {reader}; DROP ROLE {owner}, {reader}"
            ))
            .await;
        database.done().await;
    });
}
