//! The scripts of a plan, run by psql in place of apply and rollback: they come to the same database and the same journal, and
//! trueup goes on from them; and where they must not run they say so before anything is changed.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::{
    fs,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use serde_json::Value;
use tokio::process::Command;
use trueup::plan::{PlanFile, script};

use crate::oracle::{self, Database, Ran, dump, rows::Contents, runtime};

/// Every psql that there is: that of the pg_dump that is the oracle, and that of this machine.
fn programs() -> Vec<PathBuf> {
    let beside = dump::pg_dump().with_file_name("psql");
    let on_path = PathBuf::from("/usr/bin/psql");
    let found: Vec<PathBuf> = [beside, on_path].into_iter().filter(|program| program.exists()).collect();
    if found.is_empty() { vec!["psql".into()] } else { found }
}

fn psql_command(program: &Path, database: &Database, arguments: &[&str]) -> Command {
    let target = &database.target;
    let host = &target.hosts()[0];
    let at = host.socket().map_or(host.name(), |socket| socket.parent().unwrap().display().to_string());
    let mut command = Command::new(program);
    command.env_clear().env("PATH", "/usr/bin:/bin").env("HOME", database.folder.path());
    command.env("PGHOST", at).env("PGPORT", host.port().to_string()).env("PGUSER", target.user());
    command.env("PGDATABASE", target.database()).current_dir(database.folder.path());
    command.args(arguments).kill_on_drop(true);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

async fn finish(mut command: Command, what: &str) -> Ran {
    let output =
        tokio::time::timeout(Duration::from_secs(60), command.output()).await.expect("psql hangs").unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Ran {
        command: format!("psql {what}"),
        code: output.status.code(),
        stdout: text(output.stdout),
        stderr: text(output.stderr),
    }
}

/// Runs one of the plan's scripts.
async fn psql(database: &Database, script: &str) -> Ran {
    psql_with(database, script, &["-X"]).await
}

async fn psql_with(database: &Database, script: &str, more: &[&str]) -> Ran {
    let file = format!("plans/p/{script}");
    let arguments: Vec<&str> = more.iter().copied().chain(["-f", &*file]).collect();
    finish(psql_command(&programs()[0], database, &arguments), &arguments.join(" ")).await
}

/// Runs a script that does its work, and says nothing to worry about.
async fn run(database: &Database, script: &str) {
    let ran = psql(database, script).await.ended(0).unwrap();
    assert!(!ran.stderr.contains("ERROR") && !ran.stderr.contains("WARNING"), "{}", ran.shown());
    assert!(ran.stdout.contains("not proven"), "{}", ran.shown());
}

/// What a script says that refuses: one line.
async fn refuses(database: &Database, ran: impl Future<Output = Ran>, words: &str) {
    gone(database).await;
    let before = database.state().await;
    let ran = ran.await.ended(3).unwrap();
    let lines: Vec<&str> = ran.stderr.lines().filter(|line| !line.contains("NOTICE")).collect();
    assert!(lines.len() == 1 && lines[0].contains("ERROR:  trueup: "), "{}", ran.shown());
    assert!(lines[0].contains(words), "{words:?} is not in\n{}", ran.shown());
    assert_eq!(database.state().await, before, "it has written something:\n{}", ran.shown());
}

/// Waits until no psql has a backend any more: one that ends takes its temporary functions away.
async fn gone(database: &Database) {
    let at_work = "SELECT count(*)::text FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'psql'";
    while database.ask(at_work).await != "0" {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// A database with a plan in plans/p, approved.
async fn planned(before: &str, after: &str, config: Option<&str>) -> Database {
    let database = Database::with(before).await.unwrap();
    plan(&database, after, config).await;
    database
}

async fn plan(database: &Database, after: &str, config: Option<&str>) {
    database.write("desired.sql", after);
    if let Some(config) = config {
        database.write("trueup.toml", config);
    }
    let planning = [
        "plan",
        "--schema",
        "desired.sql",
        "--out",
        "plans/p",
        "--exit-code",
        "--manage",
        "all",
        "--assume-drop",
        "all",
    ];
    database.trueup(&planning).await.ended(2).unwrap();
    database.approve("plans/p").await.unwrap();
}

/// Another one like it, with the same plan.
async fn copy(database: &Database) -> Database {
    let other = database.copy().await;
    copy_files(database.folder.path(), other.folder.path());
    other
}

fn copy_files(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_files(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}

async fn trueup(database: &Database, arguments: &[&str]) -> Ran {
    database.trueup(arguments).await.ended(0).unwrap()
}

/// What trueup says of a database: where it stands, what its plans are, and what ran, without times and tools.
async fn said(database: &Database) -> String {
    let status = database.trueup(&["status"]).await.shown();
    let plans = trueup(database, &["plans"]).await.shown();
    let history = trueup(database, &["history", "--format", "json"]).await;
    let runs: Vec<Value> = serde_json::from_str(&history.stdout).unwrap();
    let shown = |run: &Value| {
        ["plan", "name", "phase", "direction", "outcome", "role", "steps"]
            .map(|field| run[field].to_string())
            .join(" ")
    };
    let runs: Vec<String> = runs.iter().map(shown).collect();
    trueup(database, &["history", "--verify"]).await;
    trueup(database, &["verify", "plans/p", "--phase", "all"]).await;
    format!("{status}{plans}{}", runs.join("\n"))
}

/// Fails unless both have the same schema, rows and journal.
async fn must_equal(by_psql: &Database, by_trueup: &Database, when: &str) {
    by_psql.dump().await.must_equal(&by_trueup.dump().await, when).await.unwrap();
    must_have_rows(by_psql, by_trueup, when).await;
    assert_eq!(said(by_psql).await, said(by_trueup).await, "{when}");
}

async fn must_have_rows(database: &Database, wanted: &Database, when: &str) {
    let (found, wanted) = (data(database).await, data(wanted).await);
    let differs = found.iter().zip(&wanted).find(|(found, wanted)| found != wanted);
    assert!(
        found.len() == wanted.len() && differs.is_none(),
        "rows {when}: {} {} {differs:?}",
        found.len(),
        wanted.len()
    );
}

/// Every row, in the order of its text, without the time at which a trigger saw it.
async fn data(database: &Database) -> Vec<String> {
    let tables = database
        .ask(
            "SELECT string_agg(format('SELECT %L || (to_jsonb(t) - ''updated_at'')::text AS row FROM ONLY %s t', c.oid::regclass::text || ': ', c.oid::regclass), \
             ' UNION ALL ') FROM pg_class c WHERE c.relkind = 'r' AND c.relnamespace NOT IN \
             (SELECT oid FROM pg_namespace WHERE nspname IN ('pg_catalog', 'information_schema', 'trueup', 'pg_toast'))",
        )
        .await;
    if tables.is_empty() {
        return Vec::new();
    }
    let session = database.session().await;
    let rows = session
        .client()
        .query(&format!("SELECT row FROM ({tables}) AS rows ORDER BY row COLLATE \"C\""), &[])
        .await
        .unwrap();
    let rows = rows.iter().map(|row| row.get(0)).collect();
    session.close().await;
    rows
}

/// Goes there and back twice: by trueup, and by psql.
async fn both_ways(by_trueup: Database) {
    let opened = PlanFile::open(&by_trueup.path("plans/p")).unwrap();
    let phases = opened.plan.phases();
    let by_psql = copy(&by_trueup).await;
    for phase in &phases {
        let phase = phase.label();
        run(&by_psql, &format!("up-{phase}.sql")).await;
        trueup(&by_trueup, &["apply", "plans/p", "--phase", phase]).await;
        must_equal(&by_psql, &by_trueup, &format!("after {phase}")).await;
    }
    for phase in phases.iter().rev() {
        let phase = phase.label();
        run(&by_psql, &format!("rollback-{phase}.sql")).await;
        trueup(&by_trueup, &["rollback", "plans/p", "--phase", phase]).await;
        must_equal(&by_psql, &by_trueup, &format!("{phase} rolled back")).await;
    }
    // and what one has left the other goes on with
    for phase in &phases {
        run(&by_psql, &format!("up-{}.sql", phase.label())).await;
        trueup(&by_trueup, &["apply", "plans/p", "--phase", phase.label()]).await;
    }
    must_equal(&by_psql, &by_trueup, "applied again").await;
    trueup(&by_psql, &["rollback", "plans/p"]).await;
    trueup(&by_trueup, &["rollback", "plans/p"]).await;
    must_equal(&by_psql, &by_trueup, "rolled back by trueup").await;
    by_psql.done().await;
    by_trueup.done().await;
}

fn case_file(case: &str, name: &str) -> Option<String> {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases").join(case).join(name)).ok()
}

fn both_ways_of_case(case: &str) {
    runtime().block_on(async {
        let [before, after] = ["before.sql", "after.sql"].map(|name| case_file(case, name).unwrap());
        let database = Database::with(&before).await.unwrap();
        if let Some(seed) = case_file(case, "seed.sql").or_else(|| case_file(case, "seed.before.sql")) {
            database.execute(&seed).await;
        }
        plan(&database, &after, case_file(case, "trueup.toml").as_deref()).await;
        both_ways(database).await;
    });
}

/// All cases of tests/cases, forwards, in a soak: psql comes to what pg_dump says of trueup's run, there and back.
/// `TRUEUP_TEST_CASES=enum/` has those of one kind.
#[test]
fn every_case_in_a_soak() {
    if !oracle::is_soak() {
        return;
    }
    let wanted = std::env::var("TRUEUP_TEST_CASES").unwrap_or_default();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let names = |folder: &Path| -> Vec<String> {
        let entries =
            fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = entries.filter(|name| folder.join(name).is_dir()).collect();
        names.sort();
        names
    };
    let mut failed = Vec::new();
    for kind in names(&root) {
        for case in names(&root.join(&kind)) {
            let case = format!("{kind}/{case}");
            if case.contains(&wanted) && std::panic::catch_unwind(|| there_and_back_of_case(&case)).is_err() {
                failed.push(case);
            }
        }
    }
    assert!(failed.is_empty(), "{failed:#?}");
}

fn there_and_back_of_case(case: &str) {
    runtime().block_on(async {
        let (Some(before), Some(after)) = (case_file(case, "before.sql"), case_file(case, "after.sql"))
        else {
            return;
        };
        // what this server or pg_dump cannot do is for tests/cases.rs to tell
        let Ok(by_trueup) = Database::with(&before).await else { return };
        if let Some(seed) = case_file(case, "seed.sql").or_else(|| case_file(case, "seed.before.sql")) {
            by_trueup.execute(&seed).await;
        }
        by_trueup.write("desired.sql", &after);
        if let Some(config) = case_file(case, "trueup.toml") {
            by_trueup.write("trueup.toml", &config);
        }
        let planning = [
            "plan",
            "--schema",
            "desired.sql",
            "--out",
            "plans/p",
            "--exit-code",
            "--manage",
            "all",
            "--assume-drop",
            "all",
        ];
        if by_trueup.trueup(&planning).await.code != Some(2) || by_trueup.approve("plans/p").await.is_err() {
            return;
        }
        let phases = PlanFile::open(&by_trueup.path("plans/p")).unwrap().plan.phases();
        let by_psql = copy(&by_trueup).await;
        if by_trueup.trueup(&["apply", "plans/p", "--phase", "all"]).await.code != Some(0) {
            return;
        }
        for phase in &phases {
            run(&by_psql, &format!("up-{}.sql", phase.label())).await;
        }
        by_psql.dump().await.must_equal(&by_trueup.dump().await, "applied").await.unwrap();
        assert_eq!(said(&by_psql).await, said(&by_trueup).await);
        if by_trueup.trueup(&["rollback", "plans/p"]).await.code == Some(0) {
            for phase in phases.iter().rev() {
                run(&by_psql, &format!("rollback-{}.sql", phase.label())).await;
            }
            by_psql.dump().await.must_equal(&by_trueup.dump().await, "rolled back").await.unwrap();
        }
        by_psql.done().await;
        by_trueup.done().await;
    });
}

#[test]
fn an_index_is_built_and_dropped_concurrently() {
    both_ways_of_case("index/changed");
}

#[test]
fn a_column_is_filled_and_refuses_null() {
    both_ways_of_case("column/filled-in-tables-called-new-and-old");
}

#[test]
fn a_column_is_renamed_online_and_others_are_filled() {
    both_ways_of_case("column/renamed-online-and-filled-in-one-pass");
}

#[test]
fn a_column_is_converted_online() {
    both_ways_of_case("column/converted-online-text-to-enum");
}

#[test]
fn an_enum_loses_a_label() {
    both_ways_of_case("enum/label-goes-that-rows-have");
}

#[test]
fn a_partition_is_detached_concurrently() {
    both_ways_of_case("partition/one-is-detached-concurrently");
}

#[test]
fn a_table_of_rows_is_attached() {
    both_ways_of_case("partition/own-table-of-rows-is-attached");
}

#[test]
fn foreign_keys_come() {
    both_ways_of_case("constraint/two-tables-refer-to-each-other");
}

#[test]
fn a_view_loses_a_column() {
    both_ways_of_case("view/column-removed-and-retyped");
}

#[test]
fn keys_are_exchanged() {
    both_ways_of_case("constraint/primary-key-changes-columns");
}

#[test]
fn a_column_is_dropped() {
    both_ways_of_case("column/dropped-under-a-view-a-function-and-a-trigger");
}

#[test]
fn the_example_is_applied_by_every_psql() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    runtime().block_on(async {
        let mut by_trueup = None;
        for program in programs() {
            let database = Database::with(include_str!("example/yesterday.sql")).await.unwrap();
            database.execute(include_str!("example/rows.sql")).await;
            copy_files(&root.join("schema"), &database.path("schema"));
            trueup_plan_example(&database).await;
            for script in script::NAMES {
                let arguments = ["-X", "-f", &*format!("plans/p/{script}")];
                let ran =
                    finish(psql_command(&program, &database, &arguments), script).await.ended(0).unwrap();
                assert!(ran.stderr.is_empty(), "{}", ran.shown());
                let customers = database.ask("SELECT count(*)::text FROM customers").await;
                assert_eq!(customers, "20000");
            }
            by_trueup = Some(database);
        }
        both_ways(by_trueup.unwrap()).await;
    });
}

async fn trueup_plan_example(database: &Database) {
    let planning = ["plan", "--schema", "schema", "--out", "plans/p", "--exit-code"];
    database.trueup(&planning).await.ended(2).unwrap();
    database.approve("plans/p").await.unwrap();
}

/// A table with rows, of which a column is renamed online, filled and refused NULL, an index is built, and a column goes.
const BEFORE: &str = "CREATE TABLE person (id int PRIMARY KEY, name text NOT NULL, fax text);
    INSERT INTO person SELECT n, 'name ' || n FROM generate_series(1, 3000) n;
    CREATE TABLE other (id int PRIMARY KEY);";
const AFTER: &str =
    "CREATE TABLE person (id int PRIMARY KEY, full_name text NOT NULL, -- @renamed from=name online
      rank int NOT NULL -- @backfill using=id%7 batch=100
    );
    CREATE INDEX by_name ON person (full_name);
    CREATE TABLE other (id int PRIMARY KEY, note text);";

#[test]
fn trueup_goes_on_from_psql_and_psql_from_trueup() {
    runtime().block_on(async {
        let first = planned(BEFORE, AFTER, None).await;
        let (second, third) = (copy(&first).await, copy(&first).await);
        let before = first.dump().await;

        run(&first, "up-expand.sql").await;
        trueup(&first, &["apply", "plans/p", "--phase", "contract"]).await;
        let applied = first.dump().await;
        trueup(&first, &["rollback", "plans/p", "--phase", "contract"]).await;
        run(&first, "rollback-expand.sql").await;
        first.dump().await.must_equal(&before, "back").await.unwrap();

        trueup(&second, &["apply", "plans/p"]).await;
        run(&second, "up-contract.sql").await;
        second.dump().await.must_equal(&applied, "contract by psql").await.unwrap();
        assert!(trueup(&second, &["status"]).await.stdout.starts_with("SAFE: "));
        run(&second, "rollback-contract.sql").await;
        trueup(&second, &["rollback", "plans/p"]).await;
        second.dump().await.must_equal(&before, "back").await.unwrap();

        // history says who ran it, and that nobody was asked
        run(&third, "up-expand.sql").await;
        trueup(&third, &["rollback", "plans/p"]).await;
        third.dump().await.must_equal(&before, "back").await.unwrap();
        let history = trueup(&third, &["history"]).await.stdout;
        let expand = history.lines().find(|line| line.contains("apply expand")).unwrap();
        assert!(
            expand.contains(", by psql: no approval was asked for, and the end is not proven"),
            "{history}"
        );
        assert!(!expand.contains("approved by"), "{history}");
        let back = history.lines().find(|line| line.contains("rollback expand")).unwrap();
        assert!(!back.contains("psql"), "{history}");
        let exported = trueup(&third, &["history", "--export", "jsonl"]).await.stdout;
        assert!(
            exported.lines().next().unwrap().contains(r#""tool":"psql, script of trueup "#),
            "{exported}"
        );
        for database in [first, second, third] {
            database.done().await;
        }
    });
}

#[test]
fn a_script_refuses_at_its_beginning() {
    runtime().block_on(async {
        let database = planned(BEFORE, AFTER, None).await;
        let empty = Database::empty().await;
        copy_files(&database.path("plans"), &empty.path("plans"));
        refuses(&empty, psql(&empty, "up-expand.sql"), "there is no table public.other in database").await;
        for script in &script::NAMES[1..] {
            refuses(&empty, psql(&empty, script), "has no journal: ").await;
        }
        let full = Database::with(&format!("{BEFORE} CREATE INDEX by_name ON person (name);")).await.unwrap();
        copy_files(&database.path("plans"), &full.path("plans"));
        refuses(&full, psql(&full, "up-expand.sql"), "there is index public.by_name already in database")
            .await;

        refuses(
            &database,
            psql_with(&database, "up-expand.sql", &["-X", "-1"]),
            "without --single-transaction",
        )
        .await;
        for variable in [("PGTZ", "Asia/Tokyo"), ("PGOPTIONS", "-c TimeZone=Asia/Tokyo")] {
            let mut command = psql_command(&programs()[0], &database, &["-X", "-f", "plans/p/up-expand.sql"]);
            command.env(variable.0, variable.1);
            refuses(&database, finish(command, variable.0), "set TimeZone: run the script without that")
                .await;
        }
        let busy = database.session().await;
        busy.client().batch_execute("SELECT pg_advisory_lock(8390898134367076353)").await.unwrap();
        refuses(&database, psql(&database, "up-expand.sql"), "another trueup or script is at work").await;
        busy.close().await;

        run(&database, "up-expand.sql").await;
        refuses(&database, psql(&database, "up-expand.sql"), "expand of this plan is applied here already")
            .await;
        refuses(&database, psql(&database, "rollback-contract.sql"), "contract of this plan is not applied")
            .await;
        run(&database, "up-contract.sql").await;
        refuses(&database, psql(&database, "up-expand.sql"), "expand of this plan is applied here already")
            .await;
        refuses(
            &database,
            psql(&database, "up-contract.sql"),
            "contract of this plan is applied here already",
        )
        .await;
        refuses(&database, psql(&database, "rollback-expand.sql"), "run rollback-contract.sql first").await;
        run(&database, "rollback-contract.sql").await;
        run(&database, "rollback-expand.sql").await;
        refuses(&database, psql(&database, "rollback-expand.sql"), "expand of this plan is not applied")
            .await;
        refuses(&database, psql(&database, "up-contract.sql"), "expand of this plan is not applied").await;

        // what trueup knows of it holds for scripts, too
        trueup(&database, &["apply", "plans/p"]).await;
        trueup(&database, &["abandon", "plans/p", "--reason", "no"]).await;
        refuses(&database, psql(&database, "up-contract.sql"), "this plan was abandoned here").await;
        database.execute("UPDATE trueup.layout SET version = 8").await;
        refuses(
            &database,
            psql(&database, "up-contract.sql"),
            "the journal has layout 8, and the script writes 9",
        )
        .await;
        for database in [database, empty, full] {
            database.done().await;
        }
    });
}

#[test]
fn a_pinned_policy_is_no_scripts_to_get_round() {
    runtime().block_on(async {
        let database = planned(BEFORE, AFTER, Some("[approval]\nrequired = 1\n")).await;
        trueup(&database, &["protect"]).await;
        refuses(&database, psql(&database, "up-expand.sql"), "a policy is pinned in this database").await;
        trueup(&database, &["apply", "plans/p"]).await;
        for script in ["up-contract.sql", "rollback-expand.sql"] {
            refuses(&database, psql(&database, script), "a policy is pinned in this database").await;
        }
        database.done().await;
    });
}

/// Where a lock does not come, the script stops; psql or trueup goes on from there, once it is free.
#[test]
fn a_script_that_was_stopped_goes_on() {
    runtime().block_on(async {
        let by_script = planned(BEFORE, AFTER, None).await;
        let wanted = copy(&by_script).await;
        trueup(&wanted, &["apply", "plans/p"]).await;
        let by_trueup = copy(&by_script).await;
        let back = copy(&by_script).await;
        let before = back.dump().await;
        for database in [&by_script, &by_trueup, &back] {
            let session = database.session().await;
            session.client().batch_execute("BEGIN; LOCK TABLE other IN ACCESS SHARE MODE").await.unwrap();
            let ran = psql(database, "up-expand.sql").await.ended(3).unwrap();
            assert!(ran.stderr.contains("canceling statement due to lock timeout"), "{}", ran.shown());
            session.close().await;
            let standing = database.trueup(&["status", "--exit-code"]).await.ended(4).unwrap();
            assert!(standing.stdout.starts_with("PARTIAL_MIGRATION: "), "{}", standing.shown());
        }
        run(&by_script, "up-expand.sql").await;
        trueup(&by_trueup, &["apply", "plans/p"]).await;
        for database in [&by_script, &by_trueup] {
            database.dump().await.must_equal(&wanted.dump().await, "gone on").await.unwrap();
            must_have_rows(database, &wanted, "gone on").await;
            let status = trueup(database, &["status"]).await.stdout;
            assert_eq!(status, trueup(&wanted, &["status"]).await.stdout);
            trueup(database, &["history", "--verify"]).await;
        }
        run(&back, "rollback-expand.sql").await;
        back.dump().await.must_equal(&before, "back from the middle").await.unwrap();
        for database in [by_script, wanted, by_trueup, back] {
            database.done().await;
        }
    });
}

/// psql is killed while rows are filled: what is filled is in the journal, and is not filled again.
#[test]
fn psql_is_killed_between_two_batches_of_rows() {
    runtime().block_on(async {
        for way in ["trueup", "psql"] {
            let slow = "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN PERFORM pg_sleep(0.001); RETURN NEW; END$$;
                CREATE TRIGGER slow BEFORE UPDATE ON person FOR EACH ROW EXECUTE FUNCTION slow();";
            let database = planned(&format!("{BEFORE} {slow}"), &format!("{AFTER} {slow}"), None).await;
            let wanted = copy(&database).await;
            trueup(&wanted, &["apply", "plans/p"]).await;
            let mut command = psql_command(&programs()[0], &database, &["-X", "-f", "plans/p/up-expand.sql"]);
            let mut child = command.spawn().unwrap();
            let filled = "SELECT COALESCE(max(visited), 0)::text FROM trueup.backfill";
            let begun = "SELECT (to_regclass('trueup.backfill') IS NOT NULL)::text";
            while database.ask(begun).await != "true" || database.ask(filled).await == "0" {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            child.kill().await.unwrap();
            // the server notices it within a second
            gone(&database).await;
            let visited: i64 = database.ask(filled).await.parse().unwrap();
            assert!((1..3000).contains(&visited), "{visited}");
            match way {
                "trueup" => _ = trueup(&database, &["apply", "plans/p"]).await,
                _ => run(&database, "up-expand.sql").await,
            }
            let in_doubt = "SELECT count(*) FILTER (WHERE outcome = 'not done') || ' ' || count(*) FILTER (WHERE outcome IS NULL) FROM trueup.step";
            assert_eq!(database.ask(in_doubt).await, "1 0");
            assert_eq!(database.ask(filled).await, "3000", "rows were visited twice");
            must_equal_but_history(&database, &wanted).await;
            database.done().await;
            wanted.done().await;
        }
    });
}

async fn must_equal_but_history(database: &Database, wanted: &Database) {
    database.dump().await.must_equal(&wanted.dump().await, "gone on").await.unwrap();
    must_have_rows(database, wanted, "gone on").await;
    for command in [&["status"][..], &["plans"]] {
        assert_eq!(trueup(database, command).await.stdout, trueup(wanted, command).await.stdout);
    }
    trueup(database, &["history", "--verify"]).await;
    trueup(database, &["verify", "plans/p", "--phase", "all"]).await;
}

/// An index that could not be built is taken away and built again, once its rows allow it.
#[test]
fn an_index_that_was_not_built_is_built_when_the_script_runs_again() {
    runtime().block_on(async {
        let before = "CREATE TABLE t (id int PRIMARY KEY, email text); INSERT INTO t SELECT n, n::text FROM generate_series(1, 100) n;";
        let after = "CREATE TABLE t (id int PRIMARY KEY, email text); CREATE UNIQUE INDEX one_each ON t (email);";
        let first = planned(before, after, None).await;
        first.execute("INSERT INTO t VALUES (101, '1')").await;
        let (second, third) = (copy(&first).await, copy(&first).await);
        for database in [&first, &second, &third] {
            let ran = psql(database, "up-expand.sql").await.ended(3).unwrap();
            assert!(ran.stderr.contains("could not create unique index"), "{}", ran.shown());
            database.execute("DELETE FROM t WHERE id = 101").await;
        }
        run(&first, "up-expand.sql").await;
        trueup(&second, &["apply", "plans/p"]).await;
        let ran = psql(&third, "rollback-expand.sql").await.ended(3).unwrap();
        assert!(ran.stderr.contains("go on with `trueup rollback`"), "{}", ran.shown());
        third.trueup(&["rollback", "plans/p"]).await.ended(0).unwrap();
        assert_eq!(third.ask("SELECT count(*)::text FROM pg_indexes WHERE indexname = 'one_each'").await, "0");
        for database in [&first, &second] {
            let valid = "SELECT string_agg(indisvalid::text, ',') FROM pg_index WHERE indexrelid = 'one_each'::regclass";
            assert_eq!(database.ask(valid).await, "true");
            assert!(trueup(database, &["status"]).await.stdout.starts_with("SAFE: "));
            trueup(database, &["history", "--verify"]).await;
        }
        for database in [first, second, third] {
            database.done().await;
        }
    });
}

/// What psql would put in, run, or read in another way, and what does not show.
#[test]
fn names_texts_and_variables_do_no_harm() {
    let before =
        "CREATE TABLE t (id int PRIMARY KEY, n int, a int[]); INSERT INTO t VALUES (1, 2, '{1,2,3}');";
    let after = "CREATE TABLE t (id int PRIMARY KEY, n int, \"N\" int, a int[]);
        COMMENT ON TABLE t IS E'\\\\! touch stolen\\n\\\\q :n :''n'' `id` $trueup$; -- \u{202e}\u{200b}x';
        CREATE VIEW v AS SELECT a[1:n] AS x, a[n:\"N\"] AS y, ':n' AS z, a[:n] AS w FROM t;
        CREATE FUNCTION \"begin\"() RETURNS int LANGUAGE sql AS $$SELECT 1 -- :n \\q $$;
        CREATE FUNCTION atomic(n int) RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT n; SELECT CASE WHEN n = 1 THEN 2 END; END;
        CREATE TABLE \"x$trueup$'; \\! :n \u{200b} $query$ «steps»\" (\"a:n\" int DEFAULT 1, \"$trueup$ \\\" int);
        CREATE INDEX \"i $trueup$ ' \\ :n\" ON t (n);
        CREATE RULE r AS ON INSERT TO \"x$trueup$'; \\! :n \u{200b} $query$ «steps»\" DO ALSO (SELECT 1; SELECT 2);";
    let psqlrc = "\\set n 99\n\\set N 98\n\\set AUTOCOMMIT off\n\\set ON_ERROR_STOP off\n\\set ON_ERROR_ROLLBACK on\n\\set FETCH_COUNT 1\n\
                  \\set trueup_left f\n\\set trueup_fresh t\n\\set trueup_invalid t\n\\pset null x\n\\x on\n\\t on\n\\o out.txt\n\
                  SET search_path = nowhere;\nSET standard_conforming_strings = off;\nCOMMIT;\n";
    runtime().block_on(async {
        let by_trueup = planned(before, after, None).await;
        let by_psql = copy(&by_trueup).await;
        let by_hostile = copy(&by_trueup).await;
        by_hostile.write(".psqlrc", psqlrc);
        let opened = PlanFile::open(&by_trueup.path("plans/p")).unwrap();
        for phase in opened.plan.phases() {
            trueup(&by_trueup, &["apply", "plans/p", "--phase", phase.label()]).await;
            run(&by_psql, &format!("up-{}.sql", phase.label())).await;
            let more = ["-v", "n=97", "-v", "trueup_left=f", "-q"];
            let ran =
                psql_with(&by_hostile, &format!("up-{}.sql", phase.label()), &more).await.ended(0).unwrap();
            assert!(!ran.stderr.contains("ERROR"), "{}", ran.shown());
        }
        for database in [&by_psql, &by_hostile] {
            must_equal(database, &by_trueup, "applied").await;
            assert!(!database.path("stolen").exists());
        }
        for phase in opened.plan.phases().into_iter().rev() {
            trueup(&by_trueup, &["rollback", "plans/p", "--phase", phase.label()]).await;
            run(&by_psql, &format!("rollback-{}.sql", phase.label())).await;
        }
        must_equal(&by_psql, &by_trueup, "rolled back").await;
        // and whoever reads the script sees it all
        for script in ["up-expand.sql", "rollback-expand.sql"] {
            let text = fs::read_to_string(by_psql.path("plans/p").join(script)).unwrap();
            assert!(!trueup::visible::hides(&text), "something in {script} does not show");
        }
        for database in [by_psql, by_trueup, by_hostile] {
            database.done().await;
        }
    });
}

#[test]
fn a_script_that_needs_a_secret_stops() {
    runtime().block_on(async {
        let before = "CREATE FOREIGN DATA WRAPPER w; CREATE TABLE t (id int);";
        let after = "CREATE FOREIGN DATA WRAPPER w; CREATE TABLE t (id int);
            CREATE SERVER s FOREIGN DATA WRAPPER w OPTIONS (password '${secret:FDW}');";
        let database = planned(before, after, None).await;
        refuses(
            &database,
            psql(&database, "up-expand.sql"),
            "a statement needs the secret FDW, which no script has",
        )
        .await;
        database.done().await;
    });
}

/// What is made anew keeps its owner, and code of an owner does not get the rights of who runs the script.
#[test]
fn a_script_runs_as_the_owner_only() {
    let before = "CREATE ROLE «o» LOGIN; GRANT CREATE ON DATABASE «d» TO «o»; CREATE SCHEMA a AUTHORIZATION «o»; SET ROLE «o»;
        CREATE TABLE a.t (id int PRIMARY KEY, n int); INSERT INTO a.t SELECT n, n FROM generate_series(1, 50) n;
        CREATE TABLE a.log (id int);
        CREATE FUNCTION a.note() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO log VALUES (NEW.id); RETURN NEW; END';
        CREATE TRIGGER note BEFORE UPDATE ON a.t FOR EACH ROW EXECUTE FUNCTION a.note();
        CREATE VIEW a.v AS SELECT id, n FROM a.t; RESET ROLE; ALTER ROLE «o» SET search_path = a;";
    let after = "CREATE SCHEMA a; CREATE TABLE a.t (id int PRIMARY KEY, n int, rank int NOT NULL -- @backfill using=id%7
        ); CREATE TABLE a.log (id int);
        CREATE FUNCTION a.note() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO log VALUES (NEW.id); RETURN NEW; END';
        CREATE TRIGGER note BEFORE UPDATE ON a.t FOR EACH ROW EXECUTE FUNCTION a.note();
        CREATE VIEW a.v AS SELECT n, id FROM a.t;";
    runtime().block_on(async {
        let database = Database::empty().await;
        let owner = format!("owner_of_{}", database.target.database());
        let before = before.replace("«o»", &owner).replace("«d»", database.target.database());
        database.execute(&before).await;
        plan(&database, after, None).await;
        let opened = PlanFile::open(&database.path("plans/p")).unwrap();
        let first = opened.plan.phases()[0].label();
        refuses(&database, psql(&database, &format!("up-{first}.sql")), &format!("belongs to role {owner}")).await;
        for phase in opened.plan.phases() {
            let script = format!("up-{}.sql", phase.label());
            psql_with(&database, &script, &["-X", "-U", &owner]).await.ended(0).unwrap();
        }
        let owners = "SELECT string_agg(DISTINCT pg_get_userbyid(relowner)::text, ',') FROM pg_class WHERE relnamespace = 'a'::regnamespace";
        assert_eq!(database.ask(owners).await, owner);
        // the trigger found its table as sessions of its owner do
        assert_eq!(database.ask("SELECT (count(*) >= 50)::text FROM a.log").await, "true");
        assert_eq!(database.ask("SELECT count(*)::text FROM a.t WHERE rank = id % 7").await, "50");
        database.done().await;
    });
}

/// Where trueup has written down what it left, what psql makes of it is no drift; what others make of it is, also later.
#[test]
fn what_psql_leaves_is_no_drift() {
    runtime().block_on(async {
        let database = planned(
            "CREATE TABLE person (id int PRIMARY KEY);",
            "CREATE TABLE person (id int PRIMARY KEY, name text, fax text);",
            None,
        )
        .await;
        trueup(&database, &["apply", "plans/p", "--phase", "all"]).await;
        fs::rename(database.path("plans/p"), database.path("plans/first")).unwrap();
        database.execute("INSERT INTO person SELECT n, 'name ' || n FROM generate_series(1, 300) n").await;
        let after = "CREATE TABLE person (id int PRIMARY KEY, name text, fax text, note text);
            CREATE INDEX by_name ON person (name);";
        plan(&database, after, None).await;
        run(&database, "up-expand.sql").await;
        assert!(
            trueup(&database, &["status"]).await.stdout.starts_with("SAFE: "),
            "{}",
            said(&database).await
        );
        database.execute("ALTER TABLE person ADD COLUMN by_hand int").await;
        let drifted = database.trueup(&["status", "--exit-code"]).await.ended(5).unwrap();
        assert!(drifted.stdout.contains("by_hand"), "{}", drifted.shown());
        database.execute("ALTER TABLE person DROP COLUMN by_hand; DROP INDEX by_name").await;
        let drifted = database.trueup(&["status", "--exit-code"]).await.ended(5).unwrap();
        assert!(drifted.stdout.contains("by_name"), "{}", drifted.shown());
        database.execute("CREATE INDEX by_name ON person (name)").await;
        // a run of trueup writes it down
        fs::rename(database.path("plans/p"), database.path("plans/second")).unwrap();
        plan(&database, &format!("{after} CREATE TABLE more (id int);"), None).await;
        trueup(&database, &["apply", "plans/p"]).await;
        assert!(trueup(&database, &["status"]).await.stdout.starts_with("SAFE: "));
        database.execute("DROP INDEX by_name").await;
        database.trueup(&["status", "--exit-code"]).await.ended(5).unwrap();
        database.done().await;
    });
}

/// Production follows staging only where staging is what the plan says, whoever brought it there.
#[test]
fn a_phase_that_psql_ran_counts_once_its_end_is_there() {
    runtime().block_on(async {
        let production = planned(BEFORE, AFTER, None).await;
        let staging = copy(&production).await;
        let config = "[env.staging]\nurl_env = \"STAGING_URL\"\n[env.production]\nurl_env = \"DATABASE_URL\"\nafter = [\"staging\"]\n";
        production.write("trueup.toml", config);
        fs::remove_dir_all(production.path("plans/p/approvals")).unwrap();
        production.approve("plans/p").await.unwrap();
        let apply = async || {
            let arguments = ["apply", "plans/p", "--env", "production"];
            let mut command = production.command(&arguments);
            command.env("STAGING_URL", oracle::url(&staging.target));
            oracle::finish(command, &arguments).await
        };
        apply().await.fails(3, "staging");
        run(&staging, "up-expand.sql").await;
        staging.execute("ALTER TABLE other DROP COLUMN note").await;
        apply().await.fails(3, "psql ran its phase expand there");
        staging.execute("ALTER TABLE other ADD COLUMN note text").await;
        apply().await.ended(0).unwrap();
        production.done().await;
        staging.done().await;
    });
}

#[test]
fn contents_are_still_there() {
    runtime().block_on(async {
        let database = planned(BEFORE, AFTER, None).await;
        let before = Contents::of(&database).await;
        for script in script::NAMES {
            run(&database, script).await;
        }
        before.must_survive(&Contents::of(&database).await, &|_| false).unwrap();
        database.done().await;
    });
}
