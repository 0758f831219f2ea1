//! What must hold for every plan, tried on one that has a bit of everything: tests/properties/before.sql to after.sql.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use crate::oracle;
use std::{collections::BTreeMap, fs, path::Path};

use crate::oracle::{
    Database,
    dump::Dump,
    faults::{self, arm, disarm, waiting},
    runtime, server,
};
use tokio::sync::OnceCell;
use trueup::{
    plan::{PlanFile, PlannedStep, format},
    postgres::Session,
    sql,
    step::{LockMode, Operation},
};

const BEFORE: &str = include_str!("properties/before.sql");
const AFTER: &str = include_str!("properties/after.sql");
const SEED: &str = include_str!("properties/seed.sql");
const PLAN: &[&str] =
    &["plan", "--schema", "desired.sql", "--out", "plan", "--assume-drop", "all", "--exit-code"];

/// A database as it is before, and the plan to what is desired, approved.
async fn planned() -> Database {
    let database = Database::with(BEFORE).await.unwrap();
    database.execute(SEED).await;
    database.write("desired.sql", AFTER);
    database.trueup(PLAN).await.ended(2).unwrap();
    database.approve("plan").await.unwrap();
    database
}

async fn fresh(sql: &str) -> Dump {
    Database::with(sql).await.unwrap().dump().await
}

#[tokio::test]
async fn a_database_is_what_it_is() {
    let database = Database::with(AFTER).await.unwrap();
    database.write("desired.sql", AFTER);
    database.write("dump.sql", database.dump().await.sql());
    for schema in ["desired.sql", "dump.sql"] {
        let all = ["plan", "--schema", schema, "--exit-code", "--manage", "all"];
        let ran = database.trueup(&all).await.ended(0).unwrap();
        assert!(ran.stdout.contains("Nothing to do"), "{}", ran.shown());
    }
    assert!(!database.path("plans").exists());
}

#[tokio::test]
async fn what_the_sql_does_not_say_of_public_is_left_alone() {
    let sql = "GRANT CREATE ON SCHEMA public TO pg_monitor; COMMENT ON SCHEMA public IS 'ours'; \
               CREATE TABLE t (id integer)";
    let database = Database::with(sql).await.unwrap();
    database.write("desired.sql", "CREATE TABLE t (id integer);");
    let plan = ["plan", "--schema", "desired.sql", "--exit-code"];
    let ran = database.trueup(&plan).await.ended(0).unwrap();
    assert!(ran.stdout.contains("Nothing to do"), "{}", ran.shown());
    database.write("desired.sql", "CREATE TABLE t (id integer); COMMENT ON SCHEMA public IS 'of all of us';");
    let ran = database.trueup(&plan).await.ended(2).unwrap();
    assert!(ran.stdout.contains("of all of us") && !ran.stdout.contains("REVOKE"), "{}", ran.shown());
}

#[tokio::test]
async fn a_partitions_copy_of_a_check_is_proven_by_itself() {
    let unproven = "CREATE TABLE t (k int, n int) PARTITION BY LIST (k); CREATE TABLE t_1 PARTITION OF t FOR VALUES IN (1);
        CREATE TABLE t_2 PARTITION OF t FOR VALUES IN (2); ALTER TABLE t ADD CONSTRAINT small CHECK (n < 9) NOT VALID;";
    let proven = format!("{unproven} ALTER TABLE t_2 VALIDATE CONSTRAINT small;");
    let database = Database::with(unproven).await.unwrap();
    let before = database.dump().await;
    database.plan_approved(&proven).await;
    database.trueup(&["apply", "plan"]).await.ended(0).unwrap();
    database.dump().await.must_equal(&fresh(&proven).await, "it is proven").await.unwrap();
    // that it is proven is no reason to change anything
    database.write("desired.sql", unproven);
    database.trueup(&["plan", "--schema", "desired.sql", "--exit-code"]).await.ended(0).unwrap();
    database.trueup(&["rollback", "plan"]).await.ended(0).unwrap();
    database.dump().await.must_equal(&before, "it is not proven").await.unwrap();
}

/// What 15 prints of IN over a varchar it prints otherwise the next time: that is found out, and there is nothing to plan then.
#[tokio::test]
async fn texts_that_print_otherwise_are_planned_to_as_they_will_be() {
    let sql = include_str!("cases/view/comes-with-a-text-that-prints-otherwise/after.sql");
    let before = include_str!("cases/view/comes-with-a-text-that-prints-otherwise/before.sql");
    let database = Database::with_on(oracle::server_of(Some(15)), before).await.unwrap();
    database.write("desired.sql", sql);
    let planning = ["plan", "--schema", "desired.sql", "--out", "plan", "--exit-code", "-vv"];
    let ran = database.trueup(&planning).await.ended(2).unwrap();
    assert!(ran.stderr.contains("once more, with texts that are stable"), "{}", ran.shown());
    database.approve("plan").await.unwrap();
    database.trueup(&["apply", "plan"]).await.ended(0).unwrap();
    database.trueup(&["plan", "--schema", "desired.sql", "--exit-code"]).await.ended(0).unwrap();
}

#[tokio::test]
async fn a_plan_can_be_rehearsed_again_where_it_has_not_run() {
    let database = planned().await;
    let ran = database.trueup(&["verify", "plan", "--rehearse", "--phase", "all"]).await.ended(0).unwrap();
    assert!(ran.stdout.contains("there, back and there again"), "{}", ran.shown());
    database.trueup(&["apply", "plan", "--phase", "all"]).await.ended(0).unwrap();
    let ran = database.trueup(&["verify", "plan", "--rehearse", "--phase", "all"]).await.ended(3).unwrap();
    assert!(ran.stderr.contains("the plan has run"), "{}", ran.shown());
}

#[tokio::test]
async fn another_database_can_be_the_desired_state() {
    let (database, other) = (Database::with(BEFORE).await.unwrap(), Database::with(AFTER).await.unwrap());
    let url = oracle::url(&other.target);
    let plan = ["plan", "--schema", &url, "--out", "plan", "--assume-drop", "all", "--exit-code"];
    database.trueup(&plan).await.ended(2).unwrap();
    database.approve("plan").await.unwrap();
    database.trueup(&["apply", "plan", "--phase", "all"]).await.ended(0).unwrap();
    database.trueup(&["plan", "--schema", &url, "--exit-code"]).await.ended(0).unwrap();
}

/// What is written of a plan, without its time.
fn bytes_of(plan: &Path) -> String {
    let text = fs::read_to_string(plan.join("plan.toml")).unwrap();
    text.lines().filter(|line| !line.starts_with("created = ")).collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn the_order_of_files_and_statements_does_not_matter() {
    let database = Database::with(BEFORE).await.unwrap();
    let statements: Vec<&str> = AFTER.split(";\n\n").collect();
    assert!(statements.len() > 10);
    // in the files' order; backwards in one file; by some stride over many folders
    database.write("desired.sql", AFTER);
    let backwards: Vec<&str> = statements.iter().rev().copied().collect();
    database.write("backwards.sql", &backwards.join(";\n\n"));
    for (at, statement) in statements.iter().enumerate() {
        let (folder, file) = (at * 5 % 3, at * 7 % statements.len());
        database.write(&format!("folders/{folder}/{file}.sql"), &format!("{statement};\n"));
    }
    let mut seen: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    let ways: [&[&str]; 4] = [
        &["--schema", "desired.sql"],
        &["--schema", "backwards.sql"],
        &["--schema", "folders"],
        &["--schema", "folders/2", "--schema", "folders/0", "--schema", "folders/1"],
    ];
    for (at, way) in ways.iter().enumerate() {
        let out = format!("plan{at}");
        let common = ["plan", "--assume-drop", "all", "--name", "one", "--out", &out];
        database.trueup(&[&common[..], way].concat()).await.ended(0).unwrap();
        seen.entry(bytes_of(&database.path(&out))).or_default().push(way[1]);
    }
    let plans: Vec<&String> = seen.keys().collect();
    if let [one, other, ..] = plans[..] {
        let diff = similar::TextDiff::from_lines(one.as_str(), other.as_str());
        panic!("{:?}\n{}", seen.values(), diff.unified_diff());
    }
}

#[tokio::test]
async fn a_plan_file_is_what_its_plan_writes() {
    let database = planned().await;
    let text = fs::read_to_string(database.path("plan/plan.toml")).unwrap();
    let opened = PlanFile::open(&database.path("plan")).unwrap();
    assert_eq!(format::to_text(&opened.plan).unwrap(), text);
    database.trueup(&["verify", "plan"]).await.ended(0).unwrap();
}

#[tokio::test]
async fn one_other_byte_voids_the_plan() {
    let database = planned().await;
    let before = database.dump().await;
    let file = database.path("plan/plan.toml");
    let whole = fs::read(&file).unwrap();
    let stride = whole.len() / 80 + 1;
    for at in (0..whole.len()).step_by(stride).chain([whole.len() - 1]) {
        let mut edited = whole.clone();
        edited[at] ^= 1;
        fs::write(&file, &edited).unwrap();
        let ran = database.trueup(&["apply", "plan", "--phase", "all"]).await;
        assert_eq!(ran.code, Some(3), "byte {at}, {:?}: {}", char::from(whole[at]), ran.shown());
    }
    fs::write(&file, &whole).unwrap();
    let mut shorter = whole.clone();
    shorter.truncate(whole.len() / 2);
    fs::write(&file, &shorter).unwrap();
    database.trueup(&["apply", "plan", "--phase", "all"]).await.ended(3).unwrap();
    assert_eq!(database.dump().await, before);
    assert_eq!(database.ask("SELECT to_regnamespace('trueup')::text").await, "");
}

// ---------------------------------------------------------------------------------------------------------------
// Interrupted at any batch

/// Databases that were planned for, applied and rolled back once, so that there is a journal to put the trigger on.
struct Rehearsed {
    database: Database,
    before: Dump,
    after: Dump,
    /// The batches that do something on the way there, in order, and whether each is a transaction.
    batches: BTreeMap<u32, bool>,
    /// Those that do something on the way back.
    back: BTreeMap<u32, bool>,
    /// The strongest lock on each relation that each batch says it takes.
    declared: BTreeMap<u32, BTreeMap<String, LockMode>>,
}

async fn rehearsed() -> &'static Rehearsed {
    static ONE: OnceCell<Rehearsed> = OnceCell::const_new();
    ONE.get_or_init(|| async {
        let database = planned().await;
        let before = database.dump().await;
        database.trueup(&["apply", "plan", "--phase", "all"]).await.ended(0).unwrap();
        let after = database.dump().await;
        after.must_equal(&fresh(AFTER).await, "applied").await.unwrap();
        database.trueup(&["rollback", "plan"]).await.ended(0).unwrap();
        database.dump().await.must_equal(&before, "rolled back").await.unwrap();
        faults::install(&database).await;
        let plan = PlanFile::open(&database.path("plan")).unwrap().plan;
        let doing = |operation: fn(&PlannedStep) -> &Operation| {
            let steps = plan.steps.iter().filter(move |step| *operation(step) != Operation::Nothing);
            steps.map(move |step| (step.batch, operation(step).is_transactional())).collect()
        };
        let (batches, back) = (doing(|step| &step.operation), doing(|step| &step.undo.operation));
        let mut declared: BTreeMap<u32, BTreeMap<String, LockMode>> = BTreeMap::new();
        for step in &plan.steps {
            let locks = declared.entry(step.batch).or_default();
            for lock in &step.seen.locks {
                let mode = locks.entry(lock.relation.clone()).or_insert(lock.mode);
                *mode = lock.mode.max(*mode);
            }
        }
        Rehearsed { database, before, after, batches, back, declared }
    })
    .await
}

impl Rehearsed {
    /// A database like it.
    async fn copy(&self) -> Database {
        let database = self.database.copy().await;
        let plan = self.database.path("plan");
        for file in ["plan.toml", "README.md"].iter().chain(&trueup::plan::script::NAMES) {
            if let Ok(text) = fs::read_to_string(plan.join(file)) {
                database.write(&format!("plan/{file}"), &text);
            }
        }
        database.approve("plan").await.unwrap();
        database
    }
}

/// Where a run was told to stop: its command, the batch, at which writing of the journal.
async fn end_at(direction: &[&str], batch: u32, on: &str) {
    let rehearsed = rehearsed().await;
    let back = direction[0] == "rollback";
    let database = rehearsed.copy().await;
    if back {
        database.trueup(&["apply", "plan", "--phase", "all"]).await.ended(0).unwrap();
    }
    arm(&database, batch, on, "terminate").await;
    let cut = database.trueup(direction).await;
    assert!(matches!(cut.code, Some(1 | 4)), "batch {batch}, {on}: {}", cut.shown());
    disarm(&database).await;
    let resumed = database.trueup(direction).await.ended(0);
    let resumed = resumed.unwrap_or_else(|error| panic!("batch {batch}, {on}: {error}{}", cut.shown()));
    let (wanted, what) = if back { (&rehearsed.before, "back") } else { (&rehearsed.after, "there") };
    let same = database.dump().await.must_equal(wanted, what).await;
    same.unwrap_or_else(|error| panic!("batch {batch}, {on}: {error}\n{}{}", cut.shown(), resumed.shown()));
    let twice = "SELECT count(*)::text FROM (SELECT FROM trueup.step s JOIN trueup.run r ON r.id = s.run \
                 WHERE s.outcome = 'done' AND r.id > (SELECT min(id) + 3 FROM trueup.run) \
                 GROUP BY r.direction, s.step HAVING count(*) > 1) twice";
    assert_eq!(database.ask(twice).await, "0", "batch {batch}, {on}: a step ran twice");
    database.done().await;
}

#[test]
fn a_backend_that_dies_in_any_batch_is_resumed_from() {
    runtime().block_on(async {
        for (batch, transactional) in &rehearsed().await.batches {
            end_at(&["apply", "plan", "--phase", "all"], *batch, "INSERT").await;
            if !transactional {
                end_at(&["apply", "plan", "--phase", "all"], *batch, "UPDATE").await;
            }
        }
    });
}

#[test]
fn a_rollback_whose_backend_dies_in_any_batch_is_resumed_from() {
    runtime().block_on(async {
        for (batch, transactional) in &rehearsed().await.back {
            end_at(&["rollback", "plan"], *batch, "INSERT").await;
            if !transactional {
                end_at(&["rollback", "plan"], *batch, "UPDATE").await;
            }
        }
    });
}

/// The locks on user relations that a backend holds.
async fn held(watch: &Session, pid: i32) -> Vec<(String, LockMode)> {
    let query = "SELECT n.nspname, c.relname, l.mode FROM pg_locks l JOIN pg_class c ON c.oid = l.relation \
                 JOIN pg_namespace n ON n.oid = c.relnamespace \
                 WHERE l.pid = $1 AND l.granted AND c.relkind IN ('r', 'p', 'v', 'm') \
                 AND n.nspname NOT IN ('pg_catalog', 'trueup')";
    let rows = watch.client().query(query, &[&pid]).await.unwrap();
    let name = |row: &tokio_postgres::Row| sql::qualified(&[row.get::<_, String>(0), row.get(1)]);
    rows.iter().map(|row| (name(row), LockMode::from_pg_locks(row.get(2)).unwrap())).collect()
}

#[test]
fn a_trueup_that_is_killed_in_any_batch_is_resumed_from_and_held_no_lock_that_the_plan_hides() {
    let apply = ["apply", "plan", "--phase", "all"];
    runtime().block_on(async {
        let rehearsed = rehearsed().await;
        for batch in rehearsed.batches.keys() {
            let database = rehearsed.copy().await;
            let existed = existing(&database).await;
            arm(&database, *batch, "INSERT", "wait").await;
            let watch = database.session().await;
            watch.client().batch_execute("SELECT pg_advisory_lock(4711)").await.unwrap();
            let mut child =
                oracle::command(database.folder.path(), Some(&database.target), &apply).spawn().unwrap();
            let pid = tokio::select! {
                pid = waiting(&watch) => pid,
                ended = child.wait() => panic!("batch {batch}: it ended by itself: {ended:?}"),
            };
            let declared = &rehearsed.declared[batch];
            for (relation, mode) in held(&watch, pid).await {
                if existed.contains(&relation) && mode > LockMode::AccessShare {
                    let most = declared.get(&relation);
                    assert!(
                        most.is_some_and(|most| *most >= mode),
                        "batch {batch}: {mode:?} on {relation}, not {most:?}"
                    );
                }
            }
            child.kill().await.unwrap();
            disarm(&database).await;
            watch.client().batch_execute("SELECT pg_advisory_unlock(4711)").await.unwrap();
            let resumed = database.trueup(&apply).await.ended(0).unwrap();
            let same = database.dump().await.must_equal(&rehearsed.after, "there").await;
            same.unwrap_or_else(|error| panic!("batch {batch}: {error}\n{}", resumed.shown()));
            watch.close().await;
            database.done().await;
        }
    });
}

/// The relations that are there.
async fn existing(database: &Database) -> Vec<String> {
    let session = database.session().await;
    let query = "SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace";
    let rows = session.client().query(query, &[]).await.unwrap();
    session.close().await;
    rows.iter().map(|row| sql::qualified(&[row.get::<_, String>(0), row.get(1)])).collect()
}

#[test]
fn nothing_is_left_on_the_shadow_server() {
    runtime().block_on(async {
        let database = planned().await;
        // planning that is refused half-way, too
        database.write("desired.sql", "CREATE VIEW broken AS SELECT * FROM nowhere;");
        database.trueup(PLAN).await.ended(1).unwrap();
        let admin = Session::connect(server()).await.unwrap();
        // other tests plan at the same time: only what is older than this one's end may count
        let query = "SELECT count(*) FROM pg_database d WHERE datname LIKE 'trueup\\_scratch%' AND NOT EXISTS \
                     (SELECT FROM pg_locks WHERE locktype = 'advisory' AND objid::bigint = ('x' || lpad(split_part(datname, '_', 3), 16, '0'))::bit(64)::bigint)";
        let orphans: i64 = admin.client().query_one(query, &[]).await.unwrap().get(0);
        assert_eq!(orphans, 0);
    });
}
