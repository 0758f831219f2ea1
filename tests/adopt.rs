//! `trueup adopt`, and what plan, status and history make of a database with and without a journal.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use crate::oracle::{Database, Ran, runtime};

#[track_caller]
fn ok(ran: Ran) -> Ran {
    ran.ended(0).unwrap_or_else(|what| panic!("{what}"))
}

const OLD: &str = "CREATE SCHEMA app; CREATE TABLE app.a (id int); CREATE TABLE app.b (id int);
    CREATE TABLE public.p (id int)";

#[test]
fn a_database_is_taken_as_it_is() {
    runtime().block_on(async {
        let database = Database::with(OLD).await.unwrap();
        let before = database.dump().await;
        let history = ok(database.trueup(&["history"]).await);
        assert_eq!(history.stdout, "this database has no journal: nothing was applied to it yet\n");
        let status = ok(database.trueup(&["status", "--exit-code"]).await);
        assert_eq!(status.stdout, "SAFE: no plan waits; this database has no journal\n");

        let adopted = ok(database.trueup(&["adopt"]).await);
        assert_eq!(adopted.stdout, "schemas app, public (8 objects) adopted\n");
        database.dump().await.must_equal(&before, "adopting changed the database").await.unwrap();
        let again = ok(database.trueup(&["adopt"]).await);
        assert_eq!(again.stdout, "schemas app, public (8 objects) is adopted already\n");
        let json = ok(database.trueup(&["history", "--format", "json"]).await).stdout;
        let json: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(json.as_array().unwrap().len(), 1);
        assert_eq!(json[0]["direction"], "adopt");
        assert_eq!(json[0]["schemas"], serde_json::json!(["app", "public"]));
        assert!(ok(database.trueup(&["history"]).await).stdout.contains("  adopt  app, public  "));
        let status = ok(database.trueup(&["status", "--exit-code"]).await);
        assert!(status.stdout.starts_with("SAFE: adopted on 20"), "{}", status.shown());

        // without a desired schema it is held against what it was
        database.execute("DROP TABLE app.b").await;
        let drifted = database.trueup(&["status", "--exit-code"]).await.ended(5).unwrap();
        let said = &drifted.stdout;
        assert!(said.starts_with("DRIFTED: the database is not what it was left as on 20"), "{said}");
        assert!(said.contains("table app.b is missing\n"), "{said}");
        assert_eq!(ok(database.trueup(&["adopt"]).await).stdout, "schemas app, public (6 objects) adopted\n");
        ok(database.trueup(&["status", "--exit-code"]).await);
    });
}

/// What the journal shows is managed even where the SQL does not mention it.
#[test]
fn what_was_adopted_is_managed() {
    runtime().block_on(async {
        let database = Database::with(OLD).await.unwrap();
        database.write("schema.sql", "CREATE TABLE public.p (id int)");
        let plan = ["plan", "--schema", "schema.sql", "--assume-drop", "all", "--exit-code", "--out", "plan"];
        ok(database.trueup(&plan).await);
        ok(database.trueup(&["adopt", "--manage", "app"]).await);
        let planned = database.trueup(&plan).await.ended(2).unwrap();
        assert!(planned.stdout.contains("DROP SCHEMA app"), "{}", planned.shown());
        // unless the command line says otherwise
        let only = ["plan", "--schema", "schema.sql", "--manage", "public", "--exit-code"];
        ok(database.trueup(&only).await);
        // and a plan that ran leaves its schemas managed, too
        ok(database.trueup(&["approve", "plan", "--as", "al", "--phase", "all", "--accept", "all"]).await);
        ok(database.trueup(&["apply", "plan", "--phase", "all"]).await);
        let history = ok(database.trueup(&["history"]).await).stdout;
        let words: Vec<&str> = history.lines().filter_map(|line| line.split("  ").nth(1)).collect();
        assert_eq!(words[0].trim(), "adopt", "{history}");
        assert!(words[1].starts_with("apply"), "{history}");
        let empty = ["plan", "--schema", "empty.sql", "--assume-drop", "all", "--exit-code", "--out", "next"];
        database.write("empty.sql", "-- nothing\n");
        let planned = database.trueup(&empty).await.ended(2).unwrap();
        assert!(planned.stdout.contains("DROP TABLE public.p"), "{}", planned.shown());
    });
}

#[test]
fn what_cannot_be_adopted_is_refused() {
    runtime().block_on(async {
        let empty = Database::empty().await;
        empty.trueup(&["adopt"]).await.fails(1, "there is nothing in this database to adopt");
        let database = Database::with(OLD).await.unwrap();
        database.trueup(&["adopt", "--manage", "app,nope"]).await.fails(3, "there is no schema nope");
        assert_eq!(database.ask("SELECT to_regnamespace('trueup')::text").await, "");
        database.execute("CREATE SCHEMA trueup; CREATE TABLE trueup.layout (version int PRIMARY KEY); INSERT INTO trueup.layout VALUES (99)").await;
        database.trueup(&["adopt"]).await.fails(1, "the journal has layout 99");
    });
}

/// A journal of layout 1, as the first version made it, is read, and brought up to date when something is written.
#[test]
fn an_older_journal_is_understood() {
    runtime().block_on(async {
        let database = Database::with(OLD).await.unwrap();
        let journal = include_str!("../src/journal.sql");
        database.execute(&format!("CREATE SCHEMA trueup; {journal}")).await;
        database
            .execute(
                "INSERT INTO trueup.run (plan, name, phase, direction, schemas, tool, finished, outcome)
                 VALUES (repeat('a', 64), 'first', 'expand', 'apply', '{public}', '0.1.0', now(), 'done')",
            )
            .await;
        assert!(ok(database.trueup(&["history"]).await).stdout.contains("apply expand  first"));
        assert_eq!(database.ask("SELECT version::text FROM trueup.layout").await, "1");
        ok(database.trueup(&["adopt", "--manage", "app"]).await);
        assert_eq!(database.ask("SELECT version::text FROM trueup.layout").await, "9");
        assert_eq!(ok(database.trueup(&["history"]).await).stdout.lines().count(), 2);
    });
}
