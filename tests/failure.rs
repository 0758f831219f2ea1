//! What is done when a phase begins, ends or stops: hooks, and going back by itself.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

use crate::oracle::{Database, runtime};

const BEFORE: &str = "CREATE TABLE a (id int PRIMARY KEY); CREATE TABLE b (id int PRIMARY KEY);";
const AFTER: &str =
    "CREATE TABLE a (id int PRIMARY KEY, more text); CREATE TABLE b (id int PRIMARY KEY, more text);";

/// A database with an approved plan of two batches, and a project around it.
async fn planned(hooks: &str) -> Database {
    let database = Database::with(BEFORE).await.unwrap();
    database.write("trueup.toml", hooks);
    database.plan_approved(AFTER).await;
    database
}

const APPLY: &[&str] = &["apply", "plan", "--lock-retries", "0"];

#[test]
fn a_phase_that_stops_is_undone_if_that_is_asked_for() {
    runtime().block_on(async {
        let database = planned("").await;
        let before = database.dump().await;
        let holder = database.session().await;
        holder.client().batch_execute("BEGIN; LOCK TABLE b IN ACCESS SHARE MODE").await.unwrap();

        // without, it stays where it is
        database.trueup(APPLY).await.fails(4, "");
        assert!(before.must_equal(&database.dump().await, "").await.is_err());
        let ran = database.trueup(&[APPLY, &["--on-failure", "rollback"]].concat()).await;
        ran.fails(1, "phase expand was rolled back, equal to before");
        before.must_equal(&database.dump().await, "it is not what it was").await.unwrap();
        let status = database.trueup(&["history"]).await.ended(0).unwrap().stdout;
        assert!(status.contains("rollback") || status.contains("rolled back"), "{status}");

        holder.client().batch_execute("ROLLBACK").await.unwrap();
        holder.close().await;
        database.trueup(&[APPLY, &["--on-failure", "rollback"]].concat()).await.ended(0).unwrap();
        database.done().await;
    });
}

/// What was written since is not lost by a rollback that nobody looks at.
#[test]
fn a_phase_that_stops_is_not_undone_where_that_loses_rows() {
    runtime().block_on(async {
        let database = planned("").await;
        let holder = database.session().await;
        holder.client().batch_execute("BEGIN; LOCK TABLE b IN ACCESS SHARE MODE").await.unwrap();
        database.trueup(APPLY).await.fails(4, "");
        database.execute("INSERT INTO a VALUES (1, 'written')").await;
        let ran = database.trueup(&[APPLY, &["--on-failure", "rollback"]].concat()).await;
        ran.fails(4, "on the way back: the rollback loses what is in the database: dropping column public.a.more loses its values: 1 row");
        assert_eq!(database.ask("SELECT more FROM a").await, "written");
        holder.client().batch_execute("ROLLBACK").await.unwrap();
        holder.close().await;
        database.trueup(APPLY).await.ended(0).unwrap();
        database.done().await;
    });
}

#[test]
fn hooks_are_told_of_each_phase_and_may_refuse_it() {
    runtime().block_on(async {
        let hooks = "[hooks]\nbefore = \"cat >> told; test ! -e closed\"\nafter = \"cat >> told\"\nfailure = \"cat >> told; exit 9\"\n";
        let database = planned(hooks).await;
        let told = || {
            let text = std::fs::read_to_string(database.path("told")).unwrap_or_default();
            let _ = std::fs::remove_file(database.path("told"));
            let all = serde_json::Deserializer::from_str(&text).into_iter::<serde_json::Value>();
            all.map(|one| one.unwrap()).collect::<Vec<_>>()
        };
        database.write("closed", "");
        database.trueup(APPLY).await.fails(3, "the hook before the phase, `cat >> told; test ! -e closed`, ended with exit status: 1");
        let one = told().remove(0);
        assert_eq!((&one["event"], &one["phase"], &one["direction"]), (&"before".into(), &"expand".into(), &"apply".into()));
        assert_eq!((&one["plan"], &one["steps"]), (&"plan".into(), &2.into()), "{one}");
        assert!(one["digest"].as_str().unwrap().len() == 64 && one.get("error").is_none(), "{one}");
        assert!(database.ask("SELECT count(*)::text FROM pg_attribute WHERE attname = 'more'").await == "0");
        std::fs::remove_file(database.path("closed")).unwrap();

        // one that fails behind the phase takes nothing back
        let holder = database.session().await;
        holder.client().batch_execute("BEGIN; LOCK TABLE b IN ACCESS SHARE MODE").await.unwrap();
        let ran = database.trueup(APPLY).await;
        ran.fails(4, "");
        assert!(ran.stderr.contains("a hook ended with exit status: 9"), "{}", ran.shown());
        let all = told();
        assert_eq!(all[1]["event"], "failure");
        assert!(all[1]["error"].as_str().unwrap().contains("1 of 2 steps are done"), "{all:?}");
        holder.client().batch_execute("ROLLBACK").await.unwrap();
        holder.close().await;

        database.trueup(APPLY).await.ended(0).unwrap();
        let events: Vec<serde_json::Value> = told().into_iter().map(|one| one["event"].clone()).collect();
        assert_eq!(events, ["before", "after"]);
        database.trueup(&["rollback", "plan"]).await.ended(0).unwrap();
        assert_eq!(told()[1]["direction"], "rollback");
        database.done().await;
    });
}

/// Ctrl-C waits for the statement that runs; the second one cancels it. What a build left is dropped at once, or by the next
/// run where somebody is still in the way.
#[test]
fn the_second_interrupt_cancels_the_statement() {
    use std::{
        io::{BufRead, BufReader},
        process::Stdio,
    };
    runtime().block_on(async {
        let database = Database::with("CREATE TABLE a (id int, more text);").await.unwrap();
        let before = database.dump().await;
        database.plan_approved("CREATE TABLE a (id int, more text); CREATE INDEX by_more ON a (more);").await;
        // the build waits for whoever has seen the table without it
        let holder = database.session().await;
        holder.client().batch_execute("BEGIN; INSERT INTO a VALUES (1)").await.unwrap();
        let mut applying = database.command(APPLY).into_std().stderr(Stdio::piped()).spawn().unwrap();
        let building = "SELECT count(*)::text FROM pg_stat_progress_create_index WHERE relid = 'a'::regclass";
        while database.ask(building).await == "0" {
            tokio::task::yield_now().await;
        }
        let pid = nix::unistd::Pid::from_raw(applying.id().cast_signed());
        let interrupt = || {
            nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGINT).unwrap();
        };
        interrupt();
        let mut said = BufReader::new(applying.stderr.take().unwrap()).lines().map(Result::unwrap);
        said.find(|line| line.starts_with("stopping at the next safe point")).unwrap();
        assert_eq!(database.ask(building).await, "1", "the first one leaves it alone");
        interrupt();
        said.find(|line| line.starts_with("cancelling the statement that runs")).unwrap();
        let rest: Vec<String> = said.collect();
        let code = applying.wait().unwrap().code();
        assert!(
            code == Some(4) && rest.iter().any(|line| line.contains("stopped as asked")),
            "{code:?} {rest:?}"
        );
        let valid = "SELECT count(*)::text FROM pg_index WHERE indrelid = 'a'::regclass AND indisvalid";
        assert_eq!(database.ask(valid).await, "0");

        holder.client().batch_execute("ROLLBACK").await.unwrap();
        holder.close().await;
        database.trueup(APPLY).await.ended(0).unwrap();
        assert_eq!(database.ask(valid).await, "1");
        database.trueup(&["rollback", "plan"]).await.ended(0).unwrap();
        before.must_equal(&database.dump().await, "something is left").await.unwrap();
        database.done().await;
    });
}

/// What a pooler does that gives each transaction another backend: the session no longer holds its lock. Here a query that the
/// plan itself runs lets go of it.
#[test]
fn a_session_that_has_lost_its_lock_goes_no_further() {
    runtime().block_on(async {
        let tables = "CREATE TABLE a (id int PRIMARY KEY);
            CREATE FUNCTION let_go() RETURNS bool LANGUAGE sql AS 'SELECT true FROM pg_advisory_unlock_all()';";
        let database = Database::with(tables).await.unwrap();
        let before = database.dump().await;
        let wanted = format!(
            "{tables} CREATE MATERIALIZED VIEW once AS SELECT let_go() AS gone; CREATE INDEX by_id ON a ((id + 1));"
        );
        database.plan_approved(&wanted).await;
        let stopped = database.trueup(APPLY).await;
        stopped.fails(4, "this session does not hold trueup's advisory lock any more: a connection pooler changed the backend; connect directly");
        database.trueup(APPLY).await.ended(0).unwrap();
        database.trueup(&["rollback", "plan"]).await.ended(0).unwrap();
        before.must_equal(&database.dump().await, "the rollback does not lead back").await.unwrap();
        database.done().await;
    });
}
