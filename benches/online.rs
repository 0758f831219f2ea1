//! What a load notices of a change to a large table: made by trueup, and in one go. A table, and no judgement.
//!
//!     cargo bench --bench online                              # 5,000,000 rows
//!     TRUEUP_BENCH_ROWS=200000 cargo bench --bench online
//!
//! Four sessions read and write single rows as fast as they can, each statement prepared: for a while before the change,
//! through it, and for a while after it. A second is how long the longest of their statements took. The server is a
//! throwaway one, which syncs nothing, on the machine that the load runs on.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

use std::{
    path::Path,
    process::{Command, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use tempfile::TempDir;
use tokio::task::JoinHandle;
use trueup::postgres::{Scratch, ScratchOptions, Session, Target};

/// How long the load runs before and after a change.
const CALM: Duration = Duration::from_secs(4);

const SESSIONS: usize = 4;

/// What is changed.
struct Case {
    title: &'static str,
    /// The table as it is wanted, with what trueup is told.
    desired: &'static str,
    /// The same in one go.
    plainly: &'static str,
    /// What code uses that knows the change: from contract on, or behind the change in one go.
    new_name: Option<&'static str>,
}

const CASES: &[Case] = &[
    Case {
        title: "rename a column",
        desired: "id bigint PRIMARY KEY, contact text NOT NULL, -- @renamed from=email online\n balance bigint NOT NULL, branch integer NOT NULL",
        plainly: "ALTER TABLE account RENAME COLUMN email TO contact",
        new_name: Some("contact"),
    },
    Case {
        title: "add a NOT NULL column that is computed",
        desired: "id bigint PRIMARY KEY, email text NOT NULL, balance bigint NOT NULL, branch integer NOT NULL,\n host text NOT NULL DEFAULT '' -- @backfill using=split_part(email,'@',2)",
        plainly: "BEGIN; ALTER TABLE account ADD COLUMN host text NOT NULL DEFAULT ''; UPDATE account SET host = split_part(email, '@', 2); COMMIT",
        new_name: None,
    },
    Case {
        title: "add a unique constraint",
        desired: "id bigint PRIMARY KEY, email text NOT NULL UNIQUE, balance bigint NOT NULL, branch integer NOT NULL",
        plainly: "ALTER TABLE account ADD UNIQUE (email)",
        new_name: None,
    },
    Case {
        title: "add a foreign key",
        desired: "id bigint PRIMARY KEY, email text NOT NULL, balance bigint NOT NULL, branch integer NOT NULL REFERENCES branch",
        plainly: "ALTER TABLE account ADD FOREIGN KEY (branch) REFERENCES branch",
        new_name: None,
    },
    Case {
        title: "add a column with a value of its own",
        desired: "id bigint PRIMARY KEY, email text NOT NULL, balance bigint NOT NULL, branch integer NOT NULL, key uuid DEFAULT gen_random_uuid() NOT NULL",
        plainly: "ALTER TABLE account ADD COLUMN key uuid DEFAULT gen_random_uuid() NOT NULL",
        new_name: None,
    },
];

#[tokio::main(flavor = "current_thread")]
async fn main() {
    // `cargo test --benches` only wants to know that it builds
    if std::env::args().all(|argument| argument != "--bench") {
        return;
    }
    let rows: u64 = std::env::var("TRUEUP_BENCH_ROWS").map_or(5_000_000, |rows| rows.parse().unwrap());
    let mut options = ScratchOptions::from_env(&|name| std::env::var_os(name));
    options.major = std::env::var("TRUEUP_TEST_MAJOR").ok().map(|major| major.parse().unwrap());
    let server = Scratch::open(&options, &|_| ()).await.unwrap();
    println!("{}, {rows} rows, {SESSIONS} sessions", server.describe());
    let admin = server.admin().client();
    admin.batch_execute("CREATE DATABASE filled TEMPLATE template0").await.unwrap();
    fill(&server.target().with_database("filled"), rows).await;
    for case in CASES {
        println!("\n{}", case.title);
        println!(
            "  {:<12} {:>8} {:>9} {:>9} {:>9} {:>11} {:>8} {:>12}",
            "", "took", "before", "during", "after", "longest", "failed", "filled"
        );
        for online in [true, false] {
            admin.batch_execute("CREATE DATABASE changing TEMPLATE filled").await.unwrap();
            measure(&server.target().with_database("changing"), case, online, rows).await;
            admin.batch_execute("DROP DATABASE changing WITH (FORCE)").await.unwrap();
        }
    }
    server.close().await.unwrap();
}

async fn fill(target: &Target, rows: u64) {
    let session = Session::connect(target).await.unwrap();
    let sql = format!(
        "CREATE TABLE branch (id integer PRIMARY KEY);
         INSERT INTO branch SELECT generate_series(0, 99);
         CREATE TABLE account (id bigint PRIMARY KEY, email text NOT NULL, balance bigint NOT NULL, branch integer NOT NULL);
         INSERT INTO account SELECT n, 'user' || n || '@host' || n % 1000, 0, n % 100 FROM generate_series(1, {rows}) n;"
    );
    session.client().batch_execute(&sql).await.unwrap();
    session.client().batch_execute("VACUUM ANALYZE account").await.unwrap();
    session.close().await;
}

/// One change, one way.
async fn measure(target: &Target, case: &Case, online: bool, rows: u64) {
    let load = Load::start(target, rows).await;
    tokio::time::sleep(CALM).await;
    let before = load.turn();
    let began = Instant::now();
    let filled =
        if online { by_trueup(target, case, &load).await } else { plainly(target, case, &load).await };
    let took = began.elapsed();
    let during = load.turn();
    tokio::time::sleep(CALM).await;
    let after = load.turn();
    load.end().await;
    println!(
        "  {:<12} {:>6.1} s {:>7.0}/s {:>7.0}/s {:>7.0}/s {:>9.0} ms {:>8} {:>12}",
        if online { "trueup" } else { "in one go" },
        took.as_secs_f64(),
        before.rate(CALM),
        during.rate(took),
        after.rate(CALM),
        during.longest.max(after.longest).as_secs_f64() * 1000.0,
        during.failed + after.failed,
        filled.map_or_else(String::new, |filled| format!("{filled:.0} rows/s")),
    );
}

async fn plainly(target: &Target, case: &Case, load: &Load) -> Option<f64> {
    let session = Session::connect(target).await.unwrap();
    session.client().batch_execute(case.plainly).await.unwrap();
    session.close().await;
    // code that knows the change is deployed when it is done, and that takes its time, too
    if case.new_name.is_some() {
        tokio::time::sleep(Duration::from_secs(1)).await;
        load.deploy();
    }
    None
}

/// Plans before the clock runs, and applies.
async fn by_trueup(target: &Target, case: &Case, load: &Load) -> Option<f64> {
    let folder = tempfile::tempdir().unwrap();
    let desired =
        format!("CREATE TABLE branch (id integer PRIMARY KEY);\nCREATE TABLE account ({}\n);", case.desired);
    std::fs::write(folder.path().join("desired.sql"), desired).unwrap();
    let run = async |arguments: &[&str]| trueup(&folder, target, arguments).await;
    run(&["plan", "--manage", "all", "--out", "plan", "--schema", "desired.sql"]).await;
    run(&["approve", "plan", "--as", "bench", "--phase", "all", "--accept", "all"]).await;
    run(&["apply", "plan", "--phase", "expand"]).await;
    if case.new_name.is_some() {
        load.deploy();
    }
    run(&["apply", "plan", "--phase", "all"]).await;
    let session = Session::connect(target).await.unwrap();
    let speed = "SELECT (sum(b.changed) / NULLIF(EXTRACT(epoch FROM sum(s.finished - s.started)), 0))::float8
                 FROM trueup.backfill b JOIN trueup.step s USING (step) WHERE s.outcome = 'done' AND b.changed > 0";
    let row = session.client().query_one(speed, &[]).await.unwrap();
    session.close().await;
    row.get(0)
}

async fn trueup(folder: &TempDir, target: &Target, arguments: &[&str]) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_trueup"));
    command.current_dir(folder.path()).args(arguments).stdin(Stdio::null());
    command.env("DATABASE_URL", url(target)).env("TRUEUP_SHADOW_URL", url(&target.with_database("postgres")));
    let output = tokio::process::Command::from(command).output().await.unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "trueup {}: {said}", arguments.join(" "));
}

fn url(target: &Target) -> String {
    let host = &target.hosts()[0];
    let socket = host.socket().expect("a throwaway server has a socket");
    let dir = socket.parent().unwrap_or(Path::new("/")).display().to_string();
    format!("postgres:///{}?host={dir}&port={}&user={}", target.database(), host.port(), target.user())
}

/// What the load did in a while.
#[derive(Debug, Clone, Copy, Default)]
struct Tally {
    statements: u64,
    failed: u64,
    longest: Duration,
}

impl Tally {
    fn rate(&self, time: Duration) -> f64 {
        f64::from(u32::try_from(self.statements).unwrap()) / time.as_secs_f64()
    }
}

/// Sessions that use the table until they are told to stop.
struct Load {
    stop: Arc<AtomicBool>,
    /// Which code runs: 0 before the change, 1 behind it.
    code: Arc<AtomicUsize>,
    tally: Arc<Mutex<Tally>>,
    tasks: Vec<JoinHandle<()>>,
}

impl Load {
    async fn start(target: &Target, rows: u64) -> Self {
        let load =
            Self { stop: Arc::default(), code: Arc::default(), tally: Arc::default(), tasks: Vec::new() };
        let mut tasks = Vec::new();
        for number in 0..SESSIONS {
            let session = Session::connect(target).await.unwrap();
            let (stop, code, tally) = (load.stop.clone(), load.code.clone(), load.tally.clone());
            tasks.push(tokio::spawn(async move { work(session, number, rows, &stop, &code, &tally).await }));
        }
        Self { tasks, ..load }
    }

    /// New code instead of old.
    fn deploy(&self) {
        self.code.store(1, Ordering::Relaxed);
    }

    /// What was done since the last time.
    fn turn(&self) -> Tally {
        std::mem::take(&mut self.tally.lock().unwrap())
    }

    async fn end(self) {
        self.stop.store(true, Ordering::Relaxed);
        for task in self.tasks {
            task.await.unwrap();
        }
    }
}

/// One session: an account is read and written, and one is opened.
async fn work(
    session: Session,
    number: usize,
    rows: u64,
    stop: &AtomicBool,
    code: &AtomicUsize,
    tally: &Mutex<Tally>,
) {
    let rows = i64::try_from(rows).unwrap();
    let mut at = i64::try_from(number).unwrap() * 7919;
    let mut opened = 1_000_000_000 * (i64::try_from(number).unwrap() + 1);
    let mut ready: (usize, Vec<tokio_postgres::Statement>) = (usize::MAX, Vec::new());
    while !stop.load(Ordering::Relaxed) {
        let now = code.load(Ordering::Relaxed);
        if ready.0 != now {
            // the new name is known to the new code only, if the change has one
            ready = (now, prepare(&session, now).await);
        }
        at = (at + 104_729) % rows + 1;
        opened += 1;
        for (position, statement) in ready.1.iter().enumerate() {
            let id = if position == 2 { opened } else { at };
            let began = Instant::now();
            let result = session.client().execute(statement, &[&id]).await;
            let took = began.elapsed();
            let mut tally = tally.lock().unwrap();
            tally.statements += 1;
            tally.failed += u64::from(result.is_err());
            tally.longest = tally.longest.max(took);
        }
    }
    session.close().await;
}

async fn prepare(session: &Session, code: usize) -> Vec<tokio_postgres::Statement> {
    let mut prepared = Vec::new();
    for sql in [
        "SELECT balance, {email} FROM account WHERE id = $1",
        "UPDATE account SET balance = balance + 1, {email} = {email} WHERE id = $1",
        "INSERT INTO account (id, {email}, balance, branch) VALUES ($1, 'new' || $1::bigint || '@host', 0, 1)",
    ] {
        let mut found = None;
        // without a new name both codes are the same
        for name in if code == 0 { ["email", "email"] } else { ["contact", "email"] } {
            if let Ok(statement) = session.client().prepare(&sql.replace("{email}", name)).await {
                found = Some(statement);
                break;
            }
        }
        prepared.push(found.expect("one of the names is there"));
    }
    prepared
}
