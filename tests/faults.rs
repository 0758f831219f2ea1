//! An apply that dies, loses its server or its disk at any point: what the next one, or a rollback, makes of it is what
//! there would have been without.
//!
//! The plan has every kind of batch. A proxy counts the messages of the real program and stops everything at one of
//! them; with `TRUEUP_TEST_SOAK=1` at each of them, before and after the server got it, else at every tenth of those that
//! the server answers.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

use crate::oracle;
use std::{collections::BTreeMap, process::Stdio, sync::Mutex, time::Duration};

use crate::oracle::{
    Database, Ran,
    dump::Dump,
    own_server::OwnServer,
    proxy::{Count, Fault, Message, Proxy},
    runtime,
};
use futures_util::{StreamExt, stream};
use trueup::{plan::PlanFile, postgres::Target};

const BEFORE: &str = "
    CREATE TYPE state AS ENUM ('new', 'sent');
    CREATE TABLE customer (id int PRIMARY KEY, name text NOT NULL, email text, fax int);
    CREATE TABLE orders (id int PRIMARY KEY, customer_id int NOT NULL, state state NOT NULL DEFAULT 'new', total numeric, note text);
    CREATE INDEX orders_note ON orders (note);
    CREATE INDEX orders_total ON orders (total);
    CREATE TABLE visit (id int NOT NULL) PARTITION BY RANGE (id);
    CREATE TABLE visit_1 PARTITION OF visit FOR VALUES FROM (0) TO (100000);
    CREATE VIEW spent AS SELECT customer_id, sum(total) AS total FROM orders GROUP BY 1;";

const AFTER: &str = "
    CREATE TYPE state AS ENUM ('new', 'paid', 'sent');
    CREATE TABLE customer (
        id int PRIMARY KEY,
        full_name text NOT NULL, -- @renamed from=name online
        email text UNIQUE,
        -- @backfill using='tier ' || id % 3
        tier text NOT NULL
    );
    CREATE TABLE orders (
        id int PRIMARY KEY,
        customer_id int NOT NULL REFERENCES customer,
        state state NOT NULL DEFAULT 'new',
        total numeric NOT NULL CHECK (total >= 0),
        note text
    );
    CREATE INDEX orders_customer ON orders (customer_id);
    CREATE INDEX orders_total ON orders (total DESC);
    CREATE TABLE visit (id int NOT NULL) PARTITION BY RANGE (id);
    CREATE TABLE visit_1 (id int NOT NULL);
    CREATE TABLE audit (at timestamptz NOT NULL DEFAULT now(), what text);
    CREATE VIEW spent AS SELECT customer_id, sum(total) AS total, count(*) AS orders FROM orders GROUP BY 1;";

const SEED: &str = "
    INSERT INTO customer SELECT n, 'name ' || n, 'c' || n || '@example.org', n FROM generate_series(1, 2500) n;
    INSERT INTO orders SELECT n, n, 'sent', n, 'note' FROM generate_series(1, 2500) n;
    INSERT INTO visit SELECT generate_series(1, 2500);";

const APPLY: &[&str] = &["apply", "plan", "--phase", "all"];
const STATUS: &[&str] = &["status", "--schema", "desired.sql"];
const EVIDENCE: &[&str] = &["history", "--verify"];
const ROLLBACK: &[&str] = &["rollback", "plan"];

/// How many points are tried at once.
const AT_ONCE: usize = 4;

/// A database as pg_dump and its rows have it, but for what the plan says is lost.
struct State {
    dump: Dump,
    rows: String,
}

impl State {
    async fn of(database: &Database) -> Self {
        let tables = "SELECT string_agg(format('SELECT %L AS name, md5(string_agg((to_jsonb(t) - ''fax'')::text, '','' ORDER BY id)) AS sum \
                      FROM %s AS t', oid::regclass, oid::regclass), ' UNION ALL ') \
                      FROM pg_class WHERE relkind = 'r' AND relname IN ('customer', 'orders', 'visit_1')";
        let each = database.ask(tables).await;
        let rows =
            format!("SELECT string_agg(name || ' ' || sum, ', ' ORDER BY name) FROM ({each}) AS tables");
        Self { dump: database.dump().await, rows: database.ask(&rows).await }
    }

    async fn must_be(&self, wanted: &Self, what: &str) -> Result<(), String> {
        self.dump.must_equal(&wanted.dump, what).await?;
        if self.rows == wanted.rows {
            Ok(())
        } else {
            Err(format!("{what}: the rows are {} and should be {}", self.rows, wanted.rows))
        }
    }
}

/// The database that all begin with, its approved plan, and what it is before and after.
struct Story {
    base: Database,
    before: State,
    after: State,
    /// How many messages an apply sends that nobody disturbs.
    count: Count,
}

impl Story {
    async fn new(server: &'static Target) -> Self {
        let base = Database::with_on(server, BEFORE).await.unwrap();
        base.execute(SEED).await;
        base.write("trueup.toml", "plans = \".\"");
        base.plan_approved(AFTER).await;
        let before = State::of(&base).await;
        let database = base.copy().await;
        let proxy = Proxy::start(server, |_| None).await;
        let child = Self::run(&base, &database, &proxy, APPLY);
        Self::ended(child, APPLY).await.ended(0).unwrap();
        let after = State::of(&database).await;
        assert!(before.must_be(&after, "").await.is_err());
        database.done().await;
        Self { base, before, after, count: proxy.count() }
    }

    /// trueup, on its way to the database by way of a proxy.
    fn run(base: &Database, database: &Database, proxy: &Proxy, arguments: &[&str]) -> tokio::process::Child {
        let mut command = oracle::command(base.folder.path(), None, arguments);
        command.env("DATABASE_URL", proxy.url(&database.target)).stderr(Stdio::piped()).spawn().unwrap()
    }

    async fn ended(child: tokio::process::Child, arguments: &[&str]) -> Ran {
        let output = tokio::time::timeout(Duration::from_secs(60), child.wait_with_output()).await;
        let output = output.expect("it hangs").unwrap();
        Ran {
            command: arguments.join(" "),
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// The same database once more, in which nothing has been done.
    async fn again(&self) -> Database {
        self.base.copy().await
    }

    /// Goes on, or goes back, and looks at what that comes to: in a word.
    /// The chain of the journal's entries is whole afterwards, and says what its tables say.
    async fn recovers(&self, database: &Database, back: bool) -> Result<&'static str, String> {
        let run = async |arguments: &[&str]| {
            oracle::trueup(self.base.folder.path(), Some(&database.target), arguments).await
        };
        if back {
            run(&["rollback", "plan"]).await.ended(0)?;
            let state = State::of(database).await;
            state.must_be(&self.before, "the rollback does not lead back").await?;
            run(EVIDENCE).await.ended(0)?;
            return Ok("rolled back");
        }
        let ran = run(APPLY).await.ended(0)?;
        State::of(database).await.must_be(&self.after, "what was resumed ends elsewhere").await?;
        run(APPLY).await.ended(0)?;
        run(EVIDENCE).await.ended(0)?;
        Ok(if ran.stdout.contains("resuming") || ran.stderr.contains("resuming") {
            "resumed"
        } else {
            "applied"
        })
    }
}

/// What became of the points at which something was done to an apply.
#[derive(Default)]
struct Table(Mutex<BTreeMap<(u64, String), Result<String, String>>>);

impl Table {
    fn add(&self, number: u64, at: String, outcome: Result<String, String>) {
        self.0.lock().unwrap().insert((number, at), outcome);
    }

    /// Prints all of them; fails if one did.
    fn end(self, what: &str) {
        let all = self.0.into_inner().unwrap();
        let mut failed = Vec::new();
        for ((number, at), outcome) in &all {
            let word = outcome.as_ref().map_or("FAILED", String::as_str);
            eprintln!("{what} {number:>5} {at:<72} {word}");
            failed.extend(outcome.as_ref().err().map(|why| format!("at {number}, {at}: {why}")));
        }
        eprintln!("{what}: {} points, {} failed", all.len(), failed.len());
        assert!(!all.is_empty() && failed.is_empty(), "{}", failed.join("\n\n"));
    }
}

/// At which points: the number, whether it counts messages or those that are answered, and what happens there.
fn points(count: Count) -> Vec<(u64, Fault)> {
    if oracle::is_soak() {
        return (1..=count.messages)
            .flat_map(|number| [(number, Fault::Before), (number, Fault::After)])
            .collect();
    }
    let tenth = (1..=count.rounds / 10).map(|tenth| tenth * 10);
    tenth.map(|round| (round, if round % 20 == 0 { Fault::Before } else { Fault::After })).collect()
}

/// Everything stops at this point.
fn at(number: u64, fault: Fault) -> impl FnMut(&Message<'_>) -> Option<Fault> + Send {
    move |message| {
        let here = if oracle::is_soak() { message.number } else { message.round };
        (here == number).then_some(fault)
    }
}

/// Killed with a message before it was sent, or before it was answered.
#[test]
fn what_is_killed_at_any_message_is_resumed_or_undone() {
    runtime().block_on(async {
        let story = Story::new(oracle::server()).await;
        let table = Table::default();
        let trials = points(story.count).into_iter().map(async |(number, fault)| {
            let database = story.again().await;
            let proxy = Proxy::start(database.server, at(number, fault)).await;
            let mut child = Story::run(&story.base, &database, &proxy, APPLY);
            let at = tokio::select! {
                at = proxy.struck() => at,
                // another run may need some messages less
                _ = child.wait() => return,
            };
            child.kill().await.unwrap();
            proxy.cut();
            let outcome = story.recovers(&database, number / 10 % 4 > 1).await;
            table.add(number, format!("{fault:?} {at}"), outcome.map(str::to_owned));
            database.done().await;
        });
        stream::iter(trials).buffer_unordered(AT_ONCE).collect::<Vec<()>>().await;
        table.end("killed at message");
    });
}

#[test]
fn a_rollback_that_is_killed_at_any_message_goes_on() {
    runtime().block_on(async {
        let story = Story::new(oracle::server()).await;
        let applied = story.again().await;
        let folder = story.base.folder.path();
        oracle::trueup(folder, Some(&applied.target), APPLY).await.ended(0).unwrap();
        let undone = applied.copy().await;
        let proxy = Proxy::start(undone.server, |_| None).await;
        Story::ended(Story::run(&story.base, &undone, &proxy, ROLLBACK), ROLLBACK).await.ended(0).unwrap();
        undone.done().await;
        let table = Table::default();
        let trials = points(proxy.count()).into_iter().map(async |(number, fault)| {
            let database = applied.copy().await;
            let proxy = Proxy::start(database.server, at(number, fault)).await;
            let mut child = Story::run(&story.base, &database, &proxy, ROLLBACK);
            let at = tokio::select! {
                at = proxy.struck() => at,
                _ = child.wait() => return,
            };
            child.kill().await.unwrap();
            proxy.cut();
            let outcome = async {
                // going forward from the middle of a way back is not offered
                let forward = oracle::trueup(folder, Some(&database.target), APPLY).await;
                let word = match forward.code {
                    Some(0) => "applied, ",
                    Some(3) if forward.stderr.contains("a rollback of phase") => {
                        let status = oracle::trueup(folder, Some(&database.target), STATUS).await;
                        if !status.stdout.contains("next: trueup rollback plan --phase ") {
                            return Err(status.shown());
                        }
                        ""
                    }
                    _ => return Err(forward.shown()),
                };
                Ok(format!("{word}{}", story.recovers(&database, true).await?))
            };
            table.add(number, format!("{fault:?} {at}"), outcome.await);
            database.done().await;
        });
        stream::iter(trials).buffer_unordered(AT_ONCE).collect::<Vec<()>>().await;
        table.end("rollback killed at message");
    });
}

/// What trueup says when its connection is gone: where it stands, never that nothing happened when something did.
async fn says_so(story: &Story, database: &Database, ran: Ran) -> Result<(), String> {
    // what is in between does not load without trueup's own schema: texts are compared
    let now = State::of(database).await;
    let changed = now.dump != story.before.dump || now.rows != story.before.rows;
    let fits = match ran.code {
        Some(4) => ran.stderr.contains("steps are done"),
        Some(1) => !changed,
        _ => false,
    };
    if fits { Ok(()) } else { Err(format!("changed: {changed}\n{}", ran.shown())) }
}

#[test]
fn a_backend_that_is_terminated_at_each_step_is_recovered_from() {
    runtime().block_on(async {
        let story = Story::new(oracle::server()).await;
        let plan = PlanFile::open(&story.base.path("plan")).unwrap().plan;
        let each = if oracle::is_soak() { usize::MAX } else { 1 };
        let statements = plan
            .steps
            .iter()
            .flat_map(|step| step.sql.iter().take(each).map(move |sql| (step.id, sql.as_str().to_owned())));
        let table = Table::default();
        let trials = statements.map(async |(step, sql)| {
            let database = story.again().await;
            // by itself, or between settings
            let (alone, within) = (sql.clone(), format!(";\n{sql};\n"));
            let is_it = move |said: &str| said == alone || said.contains(&within);
            let rule = move |message: &Message<'_>| message.sql().is_some_and(&is_it).then_some(Fault::After);
            let proxy = Proxy::start(database.server, rule).await;
            let child = Story::run(&story.base, &database, &proxy, APPLY);
            let at = tokio::select! {
                at = proxy.struck() => at,
                () = tokio::time::sleep(Duration::from_secs(30)) => format!("never: {sql}"),
            };
            let end = "SELECT count(pg_terminate_backend(pid))::text FROM pg_stat_activity \
                       WHERE datname = current_database() AND pid <> pg_backend_pid()";
            database.ask(end).await;
            proxy.go_on();
            let outcome = async {
                says_so(&story, &database, Story::ended(child, APPLY).await).await?;
                story.recovers(&database, step % 2 == 0).await.map(str::to_owned)
            };
            table.add(step.into(), at, outcome.await);
            database.done().await;
        });
        stream::iter(trials).buffer_unordered(AT_ONCE).collect::<Vec<()>>().await;
        table.end("terminated at step");
    });
}

/// Nobody knows then whether it was committed.
#[test]
fn a_connection_that_is_cut_while_a_commit_is_in_flight_is_recovered_from() {
    runtime().block_on(async {
        let story = Story::new(oracle::server()).await;
        let table = Table::default();
        let numbers = (1..=40).filter(|number| oracle::is_soak() || number % 3 == 1);
        let trials = numbers.flat_map(|number| [(number, Fault::Before), (number, Fault::After)]).map(
            async |(number, fault)| {
                let database = story.again().await;
                let mut commits = 0;
                let rule = move |message: &Message<'_>| {
                    commits += u64::from(message.sql() == Some("COMMIT"));
                    (message.sql() == Some("COMMIT") && commits == number).then_some(fault)
                };
                let proxy = Proxy::start(database.server, rule).await;
                let mut child = Story::run(&story.base, &database, &proxy, APPLY);
                tokio::select! {
                    at = proxy.struck() => {
                        proxy.cut();
                        let outcome = async {
                            let ran = Story::ended(child, APPLY).await;
                            // the server may still be at it
                            database.alone().await;
                            says_so(&story, &database, ran).await?;
                            story.recovers(&database, number % 2 == 0).await.map(str::to_owned)
                        };
                        table.add(number, format!("{fault:?} {at}"), outcome.await);
                    }
                    _ = child.wait() => {}
                }
                database.done().await;
            },
        );
        stream::iter(trials).buffer_unordered(AT_ONCE).collect::<Vec<()>>().await;
        table.end("cut at commit");
    });
}

#[test]
fn a_server_that_crashes_is_recovered_from() {
    runtime().block_on(async {
        let server = OwnServer::with(&["full_page_writes=off"]).await;
        let target: &'static Target = Box::leak(Box::new(server.target.clone()));
        let story = Story::new(target).await;
        let table = Table::default();
        // one after the other: a crash is everybody's
        for point in 1..=5 {
            let number = story.count.messages * point / 6;
            let fault = if point % 2 == 0 { Fault::Before } else { Fault::After };
            let database = story.again().await;
            let rule = move |message: &Message<'_>| (message.number == number).then_some(fault);
            let proxy = Proxy::start(target, rule).await;
            let child = Story::run(&story.base, &database, &proxy, APPLY);
            let at = proxy.struck().await;
            server.crash().await;
            proxy.go_on();
            let database = database.reconnected();
            let outcome = async {
                says_so(&story, &database, Story::ended(child, APPLY).await).await?;
                story.recovers(&database, point % 2 == 0).await.map(str::to_owned)
            };
            table.add(number, format!("{fault:?} {at}"), outcome.await);
            database.done().await;
        }
        table.end("crashed at message");
    });
}

/// As if the journal's disk were full, at each step.
#[test]
fn a_journal_that_cannot_be_written_is_recovered_from() {
    runtime().block_on(async {
        let story = Story::new(oracle::server()).await;
        let plan = PlanFile::open(&story.base.path("plan")).unwrap().plan;
        let table = Table::default();
        let trials = plan.steps.iter().filter(|step| !step.sql.is_empty()).map(async |step| {
            let database = story.again().await;
            let session = database.session().await;
            trueup::journal::ensure(&session).await.unwrap();
            session.close().await;
            let full = format!(
                "CREATE FUNCTION trueup.full() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                     RAISE EXCEPTION USING ERRCODE = 'disk_full', MESSAGE = 'could not extend file: No space left on device';
                 END $$;
                 CREATE TRIGGER \"full\" BEFORE INSERT OR UPDATE ON trueup.step FOR EACH ROW WHEN (NEW.step = {})
                     EXECUTE FUNCTION trueup.full()",
                step.id
            );
            database.execute(&full).await;
            oracle::faults::hide(&database, "full").await;
            let run = async || oracle::trueup(story.base.folder.path(), Some(&database.target), APPLY).await;
            let outcome = async {
                let ran = run().await;
                if !ran.stderr.contains("No space left on device") {
                    return Err(format!("the cause is not said: {}", ran.shown()));
                }
                says_so(&story, &database, ran).await?;
                database.execute("DROP TRIGGER \"full\" ON trueup.step; DROP FUNCTION trueup.full()").await;
                story.recovers(&database, step.id % 2 == 0).await.map(str::to_owned)
            };
            table.add(step.id.into(), step.summary.clone(), outcome.await);
            database.done().await;
        });
        stream::iter(trials).buffer_unordered(AT_ONCE).collect::<Vec<()>>().await;
        table.end("journal full at step");
    });
}

/// A writer that locks what the batch locks, in the other order: PostgreSQL ends the batch's transaction, which is tried again.
#[test]
fn a_deadlock_with_a_writer_is_tried_again() {
    runtime().block_on(async {
        // the server looks for one once, and on a slow machine perhaps before there is one: then the lock times out
        for _ in 0..5 {
            if deadlocked().await {
                return;
            }
        }
        panic!("the server found no deadlock");
    });
}

/// Applies a plan while a writer has locked one of its tables and wants the other one. Whether the server found a deadlock.
async fn deadlocked() -> bool {
    let tables = "CREATE TABLE a (id int, b_id int); CREATE TABLE b (id int PRIMARY KEY);";
    let database = Database::with(tables).await.unwrap();
    let soon = format!("ALTER DATABASE {} SET deadlock_timeout = '200ms'", database.target.database());
    database.execute(&soon).await;
    database.plan_approved(&format!("{tables} ALTER TABLE a ADD FOREIGN KEY (b_id) REFERENCES b;")).await;
    let writer = database.session().await;
    writer
        .client()
        .batch_execute("SET deadlock_timeout = '1h'; BEGIN; INSERT INTO b VALUES (1)")
        .await
        .unwrap();
    let applying = database.command(&["apply", "plan"]).spawn().unwrap();
    let waits = "SELECT count(*)::text FROM pg_locks WHERE relation = 'b'::regclass AND NOT granted";
    while database.ask(waits).await == "0" {
        tokio::task::yield_now().await;
    }
    writer.client().batch_execute("INSERT INTO a VALUES (1); COMMIT").await.unwrap();
    writer.close().await;
    let ran = applying.wait_with_output().await.unwrap();
    let said = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success() && said.contains("no lock at try 1"), "{said}");
    let there = "SELECT string_agg(conname || ' ' || convalidated, ', ') FROM pg_constraint WHERE conrelid = 'a'::regclass";
    assert_eq!(database.ask(there).await, "a_b_id_fkey true");
    assert_eq!(database.ask("SELECT count(*)::text FROM a, b").await, "1", "the writer's rows are there");
    let found =
        database.ask("SELECT deadlocks::text FROM pg_stat_database WHERE datname = current_database()").await;
    database.done().await;
    found != "0"
}
