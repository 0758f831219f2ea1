//! How long trueup takes on a large schema, beside `pg_dump -s` of the same database: a table, and no judgement.
//!
//!     cargo bench --bench speed
//!
//! Every figure is the best of several runs. Plans are made by the program itself, start-up and all; their throwaway
//! server is another one than the one that is planned for. An uncached plan finds no elaborated schema in the cache, but
//! the programs and the template of a cluster.
//!
//! Planning costs what the change costs: a column that gets another type is a step, a rewrite and a rehearsal of both, there,
//! back and there again, about 20 ms each, however many others change in the same plan.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

mod schema;

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use schema::Size;
use tempfile::TempDir;
use trueup::{
    postgres::{DatabaseSettings, Scratch, ScratchDatabase, ScratchOptions, Target},
    source::live,
};

const TABLES: Size = Size { tables: 1000, views: 0, functions: 0, policies: 0 };
const ALL: Size = Size { tables: 1000, views: 300, functions: 200, policies: 200 };

/// How often everything is done.
const RUNS: usize = 5;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    // `cargo test --benches` only wants to know that it builds
    if std::env::args().all(|argument| argument != "--bench") {
        return;
    }
    let mut options = ScratchOptions::from_env(&|name| std::env::var_os(name));
    options.major = std::env::var("TRUEUP_TEST_MAJOR").ok().map(|major| major.parse().unwrap());
    let server = Scratch::open(&options, &|_| ()).await.unwrap();
    println!("{}, {}, best of {RUNS}", server.describe(), output(Command::new(pg_dump()).arg("--version")));
    for (title, size) in [
        ("1,000 tables of 5 columns, 3 indexes and a foreign key", TABLES),
        ("with 300 views, 200 functions and 200 policies", ALL),
    ] {
        println!("\n{title}");
        let database = server.create_database(&DatabaseSettings::default()).await.unwrap();
        measure(&database, size).await;
        server.drop_database(database).await.unwrap();
    }
    println!("\none column of each table gets another type");
    for tables in [100, 400, 1600] {
        let database = server.create_database(&DatabaseSettings::default()).await.unwrap();
        columns_change(&database, tables).await;
        server.drop_database(database).await.unwrap();
    }
    server.close().await.unwrap();
}

/// What it costs to plan the same small change of many tables.
async fn columns_change(database: &ScratchDatabase, tables: u32) {
    let sql = |data_type: &str| -> String {
        let table = |n| format!("CREATE TABLE t{n} (id int PRIMARY KEY, a {data_type}, b text);\n");
        (0..tables).map(table).collect()
    };
    database.session().client().batch_execute(&sql("int")).await.unwrap();
    let bench = Bench::new(database.target());
    let other = bench.write("other.sql", &sql("bigint"));
    bench.plan(&other, 2);
    let (time, memory) = best(RUNS.div_ceil(2), || bench.plan(&other, 2));
    row(&format!("{tables} columns change, cached"), time, Some(memory));
}

async fn measure(database: &ScratchDatabase, size: Size) {
    database.session().client().batch_execute(&schema::sql(size)).await.unwrap();
    let (mut dump, mut read) = (Duration::MAX, Duration::MAX);
    // by turns, so that what else the machine does is the same for both
    for _ in 0..RUNS {
        dump = dump.min(timed(|| drop(output(&mut dumping(database.target())))));
        let session = trueup::postgres::Session::connect(database.target()).await.unwrap();
        let began = Instant::now();
        live::read(&session).await.unwrap();
        read = read.min(began.elapsed());
    }
    row("pg_dump -s", dump, None);
    row("introspection", read, None);

    let bench = Bench::new(database.target());
    let same = bench.write("same.sql", &schema::sql(size));
    let other = bench.write("other.sql", &schema::changed(size));
    // the first one makes the cluster's template
    bench.plan(&same, 0);
    let uncached = best(RUNS.div_ceil(2), || {
        bench.forget();
        bench.plan(&same, 0)
    });
    row("empty plan, not cached", uncached.0, Some(uncached.1));
    let cached = best(RUNS, || bench.plan(&same, 0));
    row("empty plan, cached", cached.0, Some(cached.1));
    let change = best(RUNS.div_ceil(2), || {
        bench.forget();
        bench.plan(&other, 2)
    });
    row("20 objects changed, not cached", change.0, Some(change.1));
    let kept = best(RUNS.div_ceil(2), || bench.plan(&other, 2));
    row("20 objects changed, cached", kept.0, Some(kept.1));
}

fn row(what: &str, time: Duration, memory: Option<u64>) {
    let memory = memory.map_or_else(String::new, |kilobytes| format!("  {:>5} MB", kilobytes / 1024));
    println!("  {what:<32} {:>7.2} s{memory}", time.as_secs_f64());
}

/// The shortest time, and the most memory.
fn best(runs: usize, mut run: impl FnMut() -> u64) -> (Duration, u64) {
    let (mut best, mut most) = (Duration::MAX, 0);
    for _ in 0..runs {
        best = best.min(timed(|| most = most.max(run())));
    }
    (best, most)
}

fn timed(run: impl FnOnce()) -> Duration {
    let began = Instant::now();
    run();
    began.elapsed()
}

/// A folder with a cache of its own, and the database to plan for.
struct Bench {
    folder: TempDir,
    url: String,
}

impl Bench {
    fn new(target: &Target) -> Self {
        let folder = tempfile::tempdir().unwrap();
        // the server's user must get to the cache when this is run by root
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let (host, port) = address(target);
        let url = format!("postgres:///{}?host={host}&port={port}&user={}", target.database(), target.user());
        Self { folder, url }
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::write(&path, text).unwrap();
        path
    }

    /// Makes the next plan one that finds nothing elaborated in the cache.
    fn forget(&self) {
        let _ = fs::remove_dir_all(self.folder.path().join("cache/catalogs"));
    }

    /// Plans, and says how much memory that took at its peak, in kilobytes.
    fn plan(&self, schema: &Path, code: i32) -> u64 {
        let _ = fs::remove_dir_all(self.folder.path().join("plan"));
        let mut command = Command::new(env!("CARGO_BIN_EXE_trueup"));
        command.args(["plan", "--manage", "all", "--exit-code", "--out", "plan", "--schema"]).arg(schema);
        command
            .current_dir(self.folder.path())
            .env("DATABASE_URL", &self.url)
            .env_remove("TRUEUP_SHADOW_URL");
        command.env("TRUEUP_CACHE_DIR", self.folder.path().join("cache"));
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let mut peak = 0;
        let status = loop {
            peak = peak.max(memory(child.id()));
            if let Some(status) = child.try_wait().unwrap() {
                break status;
            }
            std::thread::sleep(Duration::from_millis(2));
        };
        assert_eq!(status.code(), Some(code), "trueup plan --schema {}", schema.display());
        peak
    }
}

/// The most memory that a process ever had, in kilobytes; nothing where there is no /proc.
fn memory(process: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0)
}

fn dumping(target: &Target) -> Command {
    let (host, port) = address(target);
    let mut command = Command::new(pg_dump());
    command.args(["--schema-only", "--host", &host, "--port", &port, "--username", target.user()]);
    command.arg(target.database());
    command
}

fn address(target: &Target) -> (String, String) {
    let host = &target.hosts()[0];
    let socket = host.socket().expect("a throwaway server has a socket");
    (socket.parent().unwrap().display().to_string(), host.port().to_string())
}

fn pg_dump() -> PathBuf {
    std::env::var_os("TRUEUP_TEST_PG_DUMP").map_or_else(|| "pg_dump".into(), PathBuf::from)
}

fn output(command: &mut Command) -> String {
    let output = command.stdin(Stdio::null()).output().expect("pg_dump: run .ci/setup test");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}
