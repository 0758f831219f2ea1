//! Live, scratch and the server that a plan was made for may be of different minor versions: what a server keeps for
//! itself is no part of a schema, and everything that was written down before an update holds after it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

use trueup::postgres::Target;

use crate::oracle::{
    Database,
    Programs::{self, Downloaded, Installed},
    own_server::OwnServer,
    runtime, server, server_from, two_minors,
};

const BEFORE: &str = "
    CREATE TYPE place AS (street text, zip int);
    CREATE TABLE ship (id int PRIMARY KEY, name varchar(20), berth place, note text) WITH (fillfactor = 80);
    ALTER TABLE ship ALTER name SET (n_distinct = 100);
    ALTER TABLE ship SET (toast.autovacuum_enabled = off);
    CREATE INDEX ship_name ON ship (lower(name)) WITH (fillfactor = 70);
    CREATE VIEW ships WITH (security_barrier) AS SELECT id, name FROM ship;
    CREATE MATERIALIZED VIEW names AS SELECT name, count(*) AS ships FROM ship GROUP BY name;
    CREATE FUNCTION twice(n int) RETURNS int LANGUAGE plpgsql SET work_mem = '1MB' AS 'BEGIN RETURN 2 * n; END';
    CREATE TABLE event (at date, what text) PARTITION BY RANGE (at);
    CREATE TABLE event_2026 PARTITION OF event FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');";

/// Another type, another column, another view: whatever gives columns a new state.
fn after() -> String {
    BEFORE
        .replace("name varchar(20)", "name varchar(40)")
        .replace("note text", "note text, tons int")
        .replace("zip int", "zip int, town text")
        .replace("SELECT id, name FROM ship", "SELECT id, name, tons FROM ship")
        .replace("what text", "what varchar(99)")
}

/// Whether the test can be run; else it says why not.
fn minors() -> bool {
    two_minors().inspect_err(|why| eprintln!("left out: {why}")).is_ok()
}

async fn status(database: &Database) -> String {
    let ran = database.trueup(&["status", "--schema", "desired.sql"]).await;
    ran.stdout.lines().next().unwrap_or_default().to_owned()
}

/// There and back, with a look at each point.
async fn road(database: &Database) {
    database.plan_approved(&after()).await;
    assert!(status(database).await.contains("NEEDS_MIGRATION"), "{}", status(database).await);
    database.trueup(&["apply", "plan", "--phase", "all"]).await.ended(0).unwrap();
    assert!(status(database).await.contains("SAFE"), "{}", status(database).await);
    let again = ["plan", "--schema", "desired.sql", "--out", "again", "--exit-code", "--manage", "all"];
    database.trueup(&again).await.ended(0).unwrap();
    database.trueup(&["rollback", "plan"]).await.ended(0).unwrap();
}

fn between(live: Programs, scratch: Programs) {
    if !minors() {
        return;
    }
    runtime().block_on(async {
        let major = Some(two_minors().unwrap());
        let database = Database::with_on(server_from(major, live), BEFORE).await.unwrap();
        let database = database.rehearsed_on(server_from(major, scratch));
        let before = database.dump().await;
        road(&database).await;
        database.dump().await.must_equal(&before, "the rollback does not lead back").await.unwrap();
        database.done().await;
    });
}

#[test]
fn live_of_the_installed_minor_is_rehearsed_on_the_downloaded_one() {
    between(Installed, Downloaded);
}

#[test]
fn live_of_the_downloaded_minor_is_rehearsed_on_the_installed_one() {
    between(Downloaded, Installed);
}

#[test]
fn a_dump_is_the_same_on_both_minors_and_loads_into_the_other_one() {
    if !minors() {
        return;
    }
    runtime().block_on(async {
        let major = Some(two_minors().unwrap());
        let mut dumps = Vec::new();
        for programs in [Installed, Downloaded] {
            let database = Database::with_on(server_from(major, programs), BEFORE).await.unwrap();
            dumps.push(database.trueup(&["dump"]).await.ended(0).unwrap().stdout);
            database.done().await;
        }
        assert_eq!(dumps[0], dumps[1]);
        assert!(dumps[0].contains("n_distinct") && !dumps[0].contains("pg_attver"), "{}", dumps[0]);
        let older = Database::with_on(server_from(major, Downloaded), &dumps[0]).await.unwrap();
        older.done().await;
    });
}

/// A server of the downloaded minor, and a database in it with a plan that is approved.
async fn planned_before_the_update() -> (OwnServer, Database) {
    let own = OwnServer::from(Downloaded, two_minors().unwrap()).await;
    let server: &'static Target = Box::leak(Box::new(own.target.clone()));
    let database = Database::with_on(server, BEFORE).await.unwrap();
    database.plan_approved(&after()).await;
    (own, database)
}

#[test]
fn a_plan_applies_and_rolls_back_after_the_server_was_updated() {
    if !minors() {
        return;
    }
    runtime().block_on(async {
        let (own, database) = planned_before_the_update().await;
        own.update(Installed).await;
        let database = database.reconnected();
        database.trueup(&["apply", "plan", "--phase", "all"]).await.ended(0).unwrap();
        assert!(status(&database).await.contains("SAFE"));
        database.trueup(&["rollback", "plan"]).await.ended(0).unwrap();
        database.done().await;
    });
}

#[test]
fn what_the_journal_knows_holds_after_the_server_was_updated() {
    if !minors() {
        return;
    }
    runtime().block_on(async {
        let (own, database) = planned_before_the_update().await;
        database.trueup(&["apply", "plan", "--phase", "all"]).await.ended(0).unwrap();
        own.update(Installed).await;
        let database = database.reconnected();
        assert!(status(&database).await.contains("SAFE"));
        // desired as it was: what differs is due to a plan, and nothing is drift
        database.write("desired.sql", BEFORE);
        assert!(status(&database).await.contains("NEEDS_MIGRATION"), "{}", status(&database).await);
        database.trueup(&["rollback", "plan"]).await.ended(0).unwrap();
        // every column gets a state of its own on a server that keeps one
        let written = "ALTER TABLE ship ALTER note TYPE varchar(9); ALTER TABLE ship ALTER note TYPE text";
        database.execute(written).await;
        assert!(status(&database).await.contains("SAFE"), "{}", status(&database).await);
        database.done().await;
    });
}

/// Writes catalogs as a server does that keeps options of its own there.
async fn keep(database: &Database, statements: &str) {
    database.execute(&format!("SET allow_system_table_mods = on; {statements}")).await;
}

#[test]
fn what_the_server_keeps_in_options_is_no_difference() {
    runtime().block_on(async {
        let database = Database::with_on(server(), BEFORE).await.unwrap();
        let before = database.trueup(&["dump"]).await.ended(0).unwrap().stdout;
        let relations = "('ship'::regclass, 'ships'::regclass, 'names'::regclass, 'event'::regclass)";
        keep(
            &database,
            &format!(
                "UPDATE pg_attribute SET attoptions = ARRAY['pg_attver=' || attnum] || coalesce(attoptions, '{{}}')
                     WHERE attnum > 0 AND NOT attisdropped
                       AND attrelid IN (SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind <> 'i');
                 UPDATE pg_class SET reloptions = coalesce(reloptions, '{{}}') || '{{pg_next=1}}'::text[]
                     WHERE oid IN {relations} OR relname = 'ship_name'
                        OR oid IN (SELECT reltoastrelid FROM pg_class WHERE oid IN {relations});
                 UPDATE pg_proc SET proconfig = '{{pg_next=1}}'::text[] || proconfig WHERE proname = 'twice';"
            ),
        )
        .await;
        let dump = database.trueup(&["dump"]).await.ended(0).unwrap().stdout;
        assert_eq!(dump, before);
        database.write("desired.sql", BEFORE);
        assert!(status(&database).await.contains("SAFE"), "{}", status(&database).await);
        let nothing = ["plan", "--schema", "desired.sql", "--out", "none", "--exit-code", "--manage", "all"];
        database.trueup(&nothing).await.ended(0).unwrap();
        // this server refuses to alter what has parameters that it does not know; of columns it knows none
        keep(
            &database,
            "UPDATE pg_class SET reloptions = nullif(array_remove(reloptions, 'pg_next=1'), '{}')
                 WHERE 'pg_next=1' = ANY (reloptions);
             UPDATE pg_proc SET proconfig = array_remove(proconfig, 'pg_next=1') WHERE proname = 'twice';",
        )
        .await;
        road(&database).await;
        database.done().await;
    });
}

#[test]
fn an_option_that_nobody_knows_is_named_with_the_setting_that_leaves_it_out() {
    runtime().block_on(async {
        let database = Database::with_on(server(), BEFORE).await.unwrap();
        let relations = "('ship'::regclass, 'event'::regclass)";
        keep(
            &database,
            &format!("UPDATE pg_class SET reloptions = reloptions || '{{srv_map=1}}'::text[] WHERE oid IN {relations};
                      UPDATE pg_class SET reloptions = '{{srv_map=2}}' WHERE oid = 'event'::regclass"),
        )
        .await;
        database.write("desired.sql", &after());
        let planning = ["plan", "--schema", "desired.sql", "--out", "plan", "--exit-code", "--manage", "all"];
        let refused = database.trueup(&planning).await;
        refused.fails(
            1,
            "the server sets options by itself that this release of trueup does not know: srv_map, such as on table public.event and 1 more",
        );
        let setting = "[compare] ignore_options = [\"srv_map\"]";
        assert!(refused.stderr.contains(setting), "{}", refused.shown());
        // the hint as it stands
        database.write("trueup.toml", &setting.replace("] ", "]\n"));
        road(&database).await;
        // what else is wrong is said as before
        database.write("trueup.toml", "");
        keep(&database, "UPDATE pg_class SET reloptions = '{srv_map=2,fillfactor=7}' WHERE oid = 'ship'::regclass").await;
        let refused = database.trueup(&planning).await;
        refused.fails(1, "cannot rebuild the database on scratch");
        database.done().await;
    });
}
