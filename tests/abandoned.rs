//! A plan that is given up: what is said of what it leaves, that it cannot go on or back, and that the next plan starts
//! from there. And what is refused is in the journal, where there is one.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::time::Duration;

use crate::oracle::{
    Database,
    proxy::{Fault, Message, Proxy},
    runtime,
};

const BEFORE: &str = "CREATE TABLE person (id int PRIMARY KEY, name text NOT NULL, fax text);
    INSERT INTO person SELECT n, 'name ' || n FROM generate_series(1, 100) n;";
/// Renamed online, with an index more, and a column less that goes in contract.
const AFTER: &str =
    "CREATE TABLE person (id int PRIMARY KEY, full_name text NOT NULL -- @renamed from=name online
    );
    CREATE INDEX by_name ON person (full_name);";

async fn history(database: &Database) -> Vec<serde_json::Value> {
    let ran = database.trueup(&["history", "--format", "json"]).await.ended(0).unwrap();
    serde_json::from_str(&ran.stdout).unwrap()
}

async fn status(database: &Database) -> String {
    database.trueup(&["status", "--schema", "desired.sql"]).await.shown()
}

#[test]
fn a_plan_between_its_phases_is_given_up_and_the_next_one_starts_from_there() {
    runtime().block_on(async {
        let database = Database::with(BEFORE).await.unwrap();
        database.plan_approved(AFTER).await;
        let nothing = database.trueup(&["abandon", "plan"]).await.ended(0).unwrap();
        assert!(nothing.stdout.contains("nothing to abandon; not applied"), "{}", nothing.shown());
        database.trueup(&["apply", "plan", "--phase", "expand"]).await.ended(0).unwrap();
        assert!(status(&database).await.contains("PARTIAL_MIGRATION: "));

        let before = database.dump().await;
        let given_up =
            database.trueup(&["abandon", "plan", "--reason", "no \u{1b}time"]).await.ended(0).unwrap();
        let said = &given_up.stdout;
        assert!(said.contains(": abandoned; phase expand applied\n"), "{said}");
        let of = |word: &str, what: &str| {
            said.lines().any(|line| line.trim().starts_with(word) && line.contains(what))
        };
        assert!(of("stays", "full_name"), "{said}");
        assert!(of("is not done", "by_name"), "{said}");
        assert!(of("is not done", "fax"), "{said}");
        assert!(said.ends_with("`trueup plan` makes a plan from here\n"), "{said}");
        database.dump().await.must_equal(&before, "abandoning changed something").await.unwrap();

        for command in [&["verify", "plan"], &["preflight", "plan"]] {
            let ran = database.trueup(command).await.ended(3).unwrap();
            assert!(
                format!("{}{}", ran.stdout, ran.stderr).contains("the plan was abandoned on "),
                "{}",
                ran.shown()
            );
        }
        for command in [&["apply", "plan"], &["rollback", "plan"], &["abandon", "plan"]] {
            database.trueup(command).await.fails(3, "the plan was abandoned on ");
        }
        let told: Vec<String> = history(&database)
            .await
            .iter()
            .map(|entry| format!("{} {}", entry["direction"], entry["outcome"]))
            .collect();
        assert_eq!(
            told,
            [r#""apply" "done""#, r#""abandon" null"#, r#""apply" "refused""#, r#""rollback" "refused""#]
        );
        let text = database.trueup(&["history"]).await.ended(0).unwrap().stdout;
        assert!(text.contains(": no \\u{1b}time\n") && text.contains("refused as "), "{text}");

        // what it was for is withdrawn: the column beside goes, with all that kept it equal
        let withdrawn = "CREATE TABLE person (id int PRIMARY KEY, name text NOT NULL, fax text);";
        database.write("desired.sql", withdrawn);
        let standing = status(&database).await;
        assert!(standing.contains("NEEDS_MIGRATION: "), "{standing}");
        let plan = ["plan", "--schema", "desired.sql", "--out", "next", "--assume-drop", "all"];
        database.trueup(&plan).await.ended(0).unwrap();
        database.approve("next").await.unwrap();
        database.trueup(&["apply", "next", "--phase", "all"]).await.ended(0).unwrap();
        let standing = status(&database).await;
        assert!(standing.contains("SAFE: "), "{standing}");
        let wanted = Database::with(withdrawn).await.unwrap();
        database
            .dump()
            .await
            .must_equal(&wanted.dump().await, "what was given up is still there")
            .await
            .unwrap();
        assert_eq!(database.ask("SELECT count(*)::text FROM person WHERE name = 'name ' || id").await, "100");
        wanted.done().await;

        let finished = database.trueup(&["abandon", "next"]).await.ended(0).unwrap();
        assert!(finished.stdout.contains("nothing to abandon; "), "{}", finished.shown());
        database.done().await;
    });
}

/// Killed while an index was built outside a transaction: what became of it is looked up first.
#[test]
fn a_plan_that_died_is_given_up_where_it_stands() {
    runtime().block_on(async {
        let database = Database::with(BEFORE).await.unwrap();
        database.plan_approved(AFTER).await;
        let builds = |message: &Message<'_>| {
            message.sql().is_some_and(|sql| sql.starts_with("CREATE INDEX CONCURRENTLY"))
        };
        let proxy =
            Proxy::start(database.server, move |message| builds(message).then_some(Fault::After)).await;
        let mut command = database.command(&["apply", "plan", "--phase", "all"]);
        let mut child = command.env("DATABASE_URL", proxy.url(&database.target)).spawn().unwrap();
        tokio::time::timeout(Duration::from_secs(30), proxy.struck()).await.expect("the index is built");
        child.kill().await.unwrap();
        proxy.go_on();

        let given_up = database.trueup(&["abandon", "plan", "--format", "json"]).await.ended(0).unwrap();
        let said: serde_json::Value = serde_json::from_str(&given_up.stdout).unwrap();
        assert_eq!(
            (&said["outcome"], &said["in_doubt"]),
            (&"abandoned".into(), &serde_json::Value::Null),
            "{said}"
        );
        assert!(said["standing"].as_str().unwrap().starts_with("part-way through phase "), "{said}");
        let stays = said["stay"].to_string().contains("by_name");
        let built = "SELECT (to_regclass('by_name') IS NOT NULL)::text";
        assert_eq!(database.ask(built).await, stays.to_string(), "{said}");
        assert_eq!(database.ask("SELECT count(*)::text FROM pg_index WHERE NOT indisvalid").await, "0");
        database.done().await;
    });
}

#[test]
fn a_refusal_is_in_the_journal_and_makes_none() {
    runtime().block_on(async {
        let database = Database::with(BEFORE).await.unwrap();
        database.plan(AFTER).await;
        database.trueup(&["apply", "plan"]).await.fails(3, "phase expand is not approved");
        assert_eq!(database.ask("SELECT (to_regnamespace('trueup') IS NULL)::text").await, "true");
        assert!(history(&database).await.is_empty());

        database.trueup(&["adopt"]).await.ended(0).unwrap();
        let before = database.state().await;
        database.trueup(&["apply", "plan", "--dry-run"]).await.fails(3, "phase expand is not approved");
        assert_eq!(history(&database).await.len(), 1);
        database.trueup(&["apply", "plan"]).await.fails(3, "phase expand is not approved");
        assert_eq!(database.state().await, before);
        let entry = history(&database).await.pop().unwrap();
        assert_eq!((&entry["outcome"], &entry["direction"]), (&"refused".into(), &"apply".into()), "{entry}");
        assert!(entry["remark"].as_str().unwrap().starts_with("phase expand is not approved"), "{entry}");
        database.done().await;
    });
}
