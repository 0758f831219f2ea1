//! Tables that publish updates and have no replica identity: PostgreSQL refuses UPDATE and DELETE, and NO_REPLICA_IDENTITY says so
//! of the step.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use trueup::plan::{Plan, PlanFile};

use crate::oracle::{Database, runtime, server_of};

const KEYED: &str = "CREATE TABLE t (id int NOT NULL, a text, CONSTRAINT t_pkey PRIMARY KEY (id));";
const BARE: &str = "CREATE TABLE t (id int NOT NULL, a text);";
const UNIQUE: &str = "CREATE TABLE t (id int NOT NULL, a text, CONSTRAINT t_id UNIQUE (id));";
const PUB: &str = "CREATE PUBLICATION pub FOR TABLE t;";
const FULL: &str = "ALTER TABLE t REPLICA IDENTITY FULL;";
const PARTS: &str = "CREATE TABLE t (id int, a text) PARTITION BY RANGE (id);";

/// What is said of the steps, or of their undo.
fn said(plan: &Plan, undo: bool) -> Vec<&str> {
    let hazards = plan.steps.iter().flat_map(|step| if undo { &step.undo.hazards } else { &step.hazards });
    hazards
        .filter(|hazard| hazard.code == "NO_REPLICA_IDENTITY")
        .map(|hazard| hazard.message.as_str())
        .collect()
}

/// A change, and the table whose rows cannot be updated any more when it is applied, and when it is rolled back.
struct Change {
    before: String,
    after: String,
    applied: Option<&'static str>,
    rolled_back: Option<&'static str>,
}

fn changes() -> Vec<Change> {
    let change = |before: &[&str], after: &[&str], applied, rolled_back| Change {
        before: before.concat(),
        after: after.concat(),
        applied,
        rolled_back,
    };
    let key = "CREATE TABLE u (id int PRIMARY KEY, a text);";
    let all = "CREATE PUBLICATION pub FOR ALL TABLES;";
    let schema = "CREATE PUBLICATION pub FOR TABLES IN SCHEMA public;";
    let index = "ALTER TABLE t REPLICA IDENTITY USING INDEX t_id;";
    let partition = "CREATE TABLE p PARTITION OF t DEFAULT;";
    vec![
        change(&[BARE], &[BARE, PUB], Some("t"), None),
        change(&[KEYED, PUB], &[BARE, PUB], Some("t"), None),
        change(&[BARE, PUB], &[KEYED, PUB], None, Some("t")),
        change(&[BARE], &[BARE, all], Some("t"), None),
        change(&[BARE, FULL, PUB], &[BARE, PUB], Some("t"), None),
        change(&[KEYED, PUB], &[KEYED, "ALTER TABLE t REPLICA IDENTITY NOTHING;", PUB], Some("t"), None),
        change(&[UNIQUE, index, PUB], &[BARE, PUB], Some("t"), None),
        change(&[key, schema], &[key, BARE, schema], Some("t"), None),
        change(&[key, all], &[key, BARE, all], Some("t"), None),
        change(&[PARTS, PUB], &[PARTS, partition, PUB], Some("p"), None),
        change(&[PARTS, partition], &[PARTS, partition, PUB], Some("p"), None),
        change(&[KEYED], &[KEYED, "CREATE PUBLICATION pub FOR TABLE t (a);"], Some("t"), None),
        // what is sent identifies the row, or is no update
        change(&[KEYED], &[KEYED, PUB], None, None),
        change(&[KEYED], &[KEYED, "CREATE PUBLICATION pub FOR TABLE t (id);"], None, None),
        change(&[BARE], &[BARE, "CREATE PUBLICATION pub FOR TABLE t WITH (publish = 'insert');"], None, None),
        change(&[BARE], &[BARE, FULL, PUB], None, None),
        change(&[UNIQUE], &[UNIQUE, index, PUB], None, None),
        // it refused before, too
        change(&[BARE, PUB], &["CREATE TABLE t (id int NOT NULL, a text, b int);", PUB], None, None),
        change(
            &[BARE, PUB],
            &[
                "/* @renamed from=t instant */ CREATE TABLE n (id int NOT NULL, a text); CREATE PUBLICATION pub FOR TABLE n;",
            ],
            None,
            None,
        ),
    ]
}

#[test]
fn tables_that_publish_updates_and_lose_their_identity_are_a_danger() {
    runtime().block_on(async {
        for Change { before, after, applied, rolled_back } in changes() {
            let database = Database::with_on(server_of(Some(18)), &before).await.unwrap();
            database.plan_approved(&after).await;
            let plan = PlanFile::open(&database.path("plan")).unwrap().plan;
            for (undo, table) in [(false, applied), (true, rolled_back)] {
                let wanted = table.map(|table| {
                    format!("UPDATE and DELETE of public.{table} fail: published by pub, without a replica identity")
                });
                assert_eq!(
                    said(&plan, undo),
                    wanted.iter().map(String::as_str).collect::<Vec<_>>(),
                    "{before} -> {after}, undo {undo}"
                );
            }
            database.trueup(&["verify", "plan", "--rehearse"]).await.ended(0).unwrap();
            database.trueup(&["apply", "plan", "--phase", "all"]).await.ended(0).unwrap();
            let table = applied.unwrap_or(if after.contains("TABLE n ") { "n" } else { "t" });
            let refuses = !after.contains("'insert'") && (applied.is_some() || before == [BARE, PUB].concat() && rolled_back.is_none());
            for write in [format!("UPDATE {table} SET a = 'b'"), format!("DELETE FROM {table}")] {
                let refused = database.try_execute(&write).await;
                assert_eq!(refused.is_err(), refuses, "{before} -> {after}: {write}: {refused:?}");
                if let Err(words) = refused {
                    assert!(words.contains("replica identity"), "{words}");
                }
            }
            database.done().await;
        }
    });
}

/// Between two batches, too: the key takes the place of REPLICA IDENTITY FULL, and is built in a batch of its own. Who writes in
/// that moment is refused.
#[test]
fn a_table_without_identity_between_two_batches_is_said() {
    runtime().block_on(async {
        let database = Database::with_on(server_of(Some(18)), &[BARE, FULL, PUB].concat()).await.unwrap();
        database.execute("INSERT INTO t VALUES (1, 'a')").await;
        database.plan_approved(&[KEYED, PUB].concat()).await;
        let plan = PlanFile::open(&database.path("plan")).unwrap().plan;
        let words =
            "UPDATE and DELETE of public.t fail until step 3: published by pub, without a replica identity";
        assert_eq!(said(&plan, false), [words]);
        database.trueup(&["verify", "plan", "--rehearse"]).await.ended(0).unwrap();
        // CREATE INDEX CONCURRENTLY waits for it
        let reader = database.session().await;
        reader.client().batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1").await.unwrap();
        let (applied, refused) = tokio::join!(database.trueup(&["apply", "plan", "--phase", "all"]), async {
            let building =
                "SELECT count(*)::text FROM pg_stat_progress_create_index WHERE relid = 't'::regclass";
            for _ in 0..600 {
                if database.ask(building).await != "0" {
                    break;
                }
                tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            }
            let refused = database.try_execute("UPDATE t SET a = 'b'").await;
            reader.client().batch_execute("ROLLBACK").await.unwrap();
            refused
        });
        applied.ended(0).unwrap();
        let refused = refused.unwrap_err();
        assert!(refused.contains("does not have a replica identity and publishes updates"), "{refused}");
        database.execute("UPDATE t SET a = 'b'").await;
        database.done().await;
    });
}

/// A key that becomes another one is swapped, and missing at no moment.
#[test]
fn a_key_that_changes_is_no_moment_without_identity() {
    runtime().block_on(async {
        let after =
            KEYED.replace("PRIMARY KEY (id)", "PRIMARY KEY (id, a)").replace("a text", "a text NOT NULL");
        let database = Database::with_on(server_of(Some(18)), &[KEYED, PUB].concat()).await.unwrap();
        database.plan_approved(&[&after, PUB].concat()).await;
        let plan = PlanFile::open(&database.path("plan")).unwrap().plan;
        assert_eq!((said(&plan, false), said(&plan, true)), (Vec::new(), Vec::new()));
        database.done().await;
    });
}
