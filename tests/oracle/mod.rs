//! What tests of the whole road share: one throwaway server a test run, one database a test, the real binary, and
//! pg_dump as the oracle. Nothing here asks trueup what a database holds: what it overlooks is what is looked for.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

pub mod dump;
pub mod faults;
pub mod own_server;
pub mod proxy;
pub mod rows;
pub mod writers;

use std::{
    collections::BTreeMap,
    panic::AssertUnwindSafe,
    path::{Path, PathBuf},
    process::Stdio,
    sync::{
        Arc, Mutex, OnceLock,
        atomic::{AtomicU32, Ordering},
        mpsc,
    },
    thread,
    time::Duration,
};

use tempfile::TempDir;
use trueup::postgres::{Local, Scratch, ScratchOptions, Session, Target};

/// Roles that the SQL of tests may grant to; they belong to the server, not to a database.
pub const ROLES: &[&str] = &["reader", "writer", "Auditor \"1\""];

/// How long a command of trueup may take before it counts as hanging.
const PATIENCE: Duration = Duration::from_secs(60);

/// The server of this test run: of the version in `TRUEUP_TEST_MAJOR`, else the newest that is installed.
pub fn server() -> &'static Target {
    server_of(std::env::var("TRUEUP_TEST_MAJOR").ok().map(|major| major.parse().unwrap()))
}

/// Where a server's programs are from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Programs {
    /// This machine's, else downloaded ones.
    Installed,
    /// Downloaded ones, which may be of another minor version.
    Downloaded,
}

/// Those that were started, by what was asked for.
static SERVERS: Mutex<BTreeMap<(Option<u16>, Programs), &'static Target>> = Mutex::new(BTreeMap::new());

/// This run's server of a major version.
pub fn server_of(major: Option<u16>) -> &'static Target {
    server_from(major, Programs::Installed)
}

/// This run's server of a major version from these programs.
pub fn server_from(major: Option<u16>, programs: Programs) -> &'static Target {
    // who comes second waits for the first one to have it started
    SERVERS
        .lock()
        .unwrap()
        .entry((major, programs))
        .or_insert_with(|| Box::leak(Box::new(start(major, programs))))
}

/// The options with which a server is found.
pub fn scratch_options(major: Option<u16>, programs: Programs) -> ScratchOptions {
    let mut options = ScratchOptions { major, ..ScratchOptions::from_env(&|name| std::env::var_os(name)) };
    if programs == Programs::Downloaded {
        options.local = Local::Hidden;
    }
    options
}

/// The major version of which this machine has programs of one minor version, and downloaded ones are of another; else
/// why there is none.
pub fn two_minors() -> Result<u16, String> {
    static FOUND: OnceLock<Result<u16, String>> = OnceLock::new();
    FOUND.get_or_init(find_two_minors).clone()
}

fn find_two_minors() -> Result<u16, String> {
    let local = scratch_options(None, Programs::Installed).local.find(None);
    let local =
        local.first().ok_or("no PostgreSQL is installed on this machine, beside what is downloaded")?;
    let downloaded = runtime().block_on(async {
        let options = scratch_options(Some(local.major), Programs::Downloaded);
        let scratch = Scratch::open(&options, &|_| {}).await.map_err(|error| error.to_string())?;
        let version = scratch.binaries().map(|found| found.version.clone()).unwrap_or_default();
        scratch.close().await.map_err(|error| error.to_string())?;
        Ok::<_, String>(version)
    })?;
    let minor = |version: &str| version.split(' ').next().unwrap_or_default().to_owned();
    if minor(&local.version) == minor(&downloaded) {
        return Err(format!("the installed and the downloaded PostgreSQL are both {}", minor(&downloaded)));
    }
    Ok(local.major)
}

fn start(major: Option<u16>, programs: Programs) -> Target {
    let (send, receive) = mpsc::channel();
    // the thread owns the server until the process ends; then its keeper removes it
    thread::spawn(move || {
        runtime().block_on(async {
            let options = scratch_options(major, programs);
            let scratch = Scratch::open(&options, &|_| {}).await.expect("a throwaway server");
            for role in ROLES {
                let create = format!("CREATE ROLE {}", trueup::sql::ident(role));
                scratch.admin().client().batch_execute(&create).await.unwrap();
            }
            make_template(&scratch).await;
            send.send(scratch.target().clone()).expect("the test waits");
            std::future::pending::<()>().await;
        });
    });
    receive.recv().expect("a server")
}

/// What tests' databases are made from: like template0, but for what PostgreSQL says of its own functions and operators,
/// which pg_dump would read and sort each time.
const TEMPLATE: &str = "test_template";

async fn make_template(scratch: &Scratch) {
    let admin = scratch.admin().client();
    admin.batch_execute(&format!("CREATE DATABASE {TEMPLATE} TEMPLATE template0")).await.unwrap();
    let session = Session::connect(&scratch.target().with_database(TEMPLATE)).await.unwrap();
    let less = "DELETE FROM pg_description WHERE objoid < 16384 AND classoid IN ('pg_proc'::regclass, 'pg_operator'::regclass, \
                'pg_type'::regclass, 'pg_collation'::regclass, 'pg_opclass'::regclass, 'pg_conversion'::regclass)";
    session.client().batch_execute(less).await.unwrap();
    session.client().batch_execute("VACUUM FULL pg_description").await.unwrap();
    session.close().await;
}

/// The versions that a case of tests/cases is for.
#[derive(Debug, Clone, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Majors {
    /// The first one; without it all up to the last.
    from: Option<u16>,
    /// The last one; without it all later ones, too.
    to: Option<u16>,
    /// What the others do not have.
    reason: String,
}

impl Majors {
    /// Why a version is not among them.
    pub fn leave_out(&self, major: u16) -> Option<String> {
        let outside = self.from.is_some_and(|from| major < from) || self.to.is_some_and(|to| major > to);
        outside.then(|| format!("not on {major}: {}", self.reason))
    }
}

/// Whether everything is tried, however long it takes.
pub fn is_soak() -> bool {
    std::env::var_os("TRUEUP_TEST_SOAK").is_some_and(|soak| soak == "1")
}

/// What the command line asks of trials, and twice as many at once as there are processors: half of the time each waits
/// for another process.
pub fn arguments() -> libtest_mimic::Arguments {
    let mut arguments = libtest_mimic::Arguments::from_args();
    let threads = thread::available_parallelism().map_or(2, usize::from) * 2;
    arguments.test_threads = arguments.test_threads.or(Some(threads));
    arguments
}

/// What a trial comes to: one that panics has failed, and says why.
pub fn caught<T>(run: impl FnOnce() -> Result<T, libtest_mimic::Failed>) -> Result<T, libtest_mimic::Failed> {
    std::panic::catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        Err(text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("it panicked").into())
    })
}

pub fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

/// Scratch databases that trueup did not drop, on any server that was started.
pub async fn litter() -> Vec<String> {
    let servers: Vec<&Target> = SERVERS.lock().unwrap().values().copied().collect();
    let mut found = Vec::new();
    for server in servers {
        let admin = Session::connect(server).await.unwrap();
        let query = "SELECT datname FROM pg_database WHERE datname LIKE 'trueup\\_scratch%' ORDER BY 1";
        found.extend(
            admin.client().query(query, &[]).await.unwrap().iter().map(|row| row.get::<_, String>(0)),
        );
    }
    found
}

/// A database of a test's own, and a folder for its files.
pub struct Database {
    pub server: &'static Target,
    /// Where plans are rehearsed.
    shadow: &'static Target,
    pub target: Target,
    pub folder: TempDir,
    /// For statements that need no session of their own.
    shared: Mutex<Option<Arc<Session>>>,
}

impl Database {
    /// An empty one.
    pub async fn empty() -> Self {
        Self::empty_on(server()).await
    }

    /// An empty one on this server.
    pub async fn empty_on(server: &'static Target) -> Self {
        // a server of a test's own has no template
        let known = SERVERS.lock().unwrap().values().any(|known| std::ptr::eq(*known, server));
        Self::from_template(server, if known { TEMPLATE } else { "template0" }).await
    }

    /// The same one, whose plans are rehearsed on another server.
    #[must_use]
    pub fn rehearsed_on(self, shadow: &'static Target) -> Self {
        Self { shadow, ..self }
    }

    /// One like this, to which nobody may be connected.
    pub async fn copy(&self) -> Self {
        let shared = self.shared.lock().unwrap().take();
        if let Some(session) = shared.and_then(Arc::into_inner) {
            session.close().await;
        }
        Self::from_template(self.server, self.target.database()).await
    }

    /// The same one, when its server has crashed.
    pub fn reconnected(self) -> Self {
        Self { shared: Mutex::default(), ..self }
    }

    /// Whether sessions that begin from now on may write.
    pub async fn let_write(&self, may: bool) {
        let word = if may { "RESET" } else { "SET" };
        let value = if may { "" } else { " = on" };
        let name = self.target.database();
        let alter = format!("ALTER DATABASE {name} {word} default_transaction_read_only{value}");
        administer(self.server, &alter).await;
    }

    /// Waits until nobody else is connected to it.
    pub async fn alone(&self) {
        let others = "SELECT count(*)::text FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()";
        while self.ask(others).await != "0" {
            tokio::task::yield_now().await;
        }
    }

    async fn from_template(server: &'static Target, template: &str) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(1);
        let name = format!("test_{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        let admin = Session::connect(server).await.unwrap();
        let strategy = if admin.major() >= 15 { "STRATEGY file_copy" } else { "" };
        let create = format!("CREATE DATABASE {name} TEMPLATE {template} {strategy}");
        admin.client().batch_execute(&create).await.unwrap();
        admin.close().await;
        Self {
            server,
            shadow: server,
            target: server.with_database(&name),
            folder: tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap(),
            shared: Mutex::default(),
        }
    }

    /// One with this in it.
    pub async fn with(sql: &str) -> Result<Self, String> {
        Self::with_on(server(), sql).await
    }

    /// One on this server with this in it.
    pub async fn with_on(server: &'static Target, sql: &str) -> Result<Self, String> {
        let database = Self::empty_on(server).await;
        database.try_execute(sql).await?;
        Ok(database)
    }

    pub async fn session(&self) -> Session {
        Session::connect(&self.target).await.unwrap()
    }

    /// One that other statements share: without settings of its own.
    pub async fn shared(&self) -> Arc<Session> {
        if let Some(session) = &*self.shared.lock().unwrap() {
            return Arc::clone(session);
        }
        let session = Arc::new(self.session().await);
        *self.shared.lock().unwrap() = Some(Arc::clone(&session));
        session
    }

    pub async fn try_execute(&self, sql: &str) -> Result<(), String> {
        let session = self.shared().await;
        let client = session.client();
        let result = client.batch_execute(sql).await.map_err(|error| words(&error));
        if client.batch_execute("DISCARD ALL").await.is_err() {
            client.batch_execute("ROLLBACK; DISCARD ALL").await.unwrap();
        }
        result
    }

    pub async fn execute(&self, sql: &str) {
        self.try_execute(sql).await.unwrap_or_else(|error| panic!("{error}\n{sql}"));
    }

    /// One value, as text; nothing for NULL.
    pub async fn ask(&self, sql: &str) -> String {
        let session = self.shared().await;
        let client = session.client();
        let row = client.query_one(sql, &[]).await.unwrap_or_else(|error| panic!("{sql}: {error:?}"));
        row.get::<_, Option<String>>(0).unwrap_or_default()
    }

    /// Another one after any write to any table, catalogs included; only a refusal may be written down.
    pub async fn state(&self) -> String {
        let tables = self
            .ask(
                "SELECT string_agg(format('SELECT count(*) AS n, max(xmin::text::int8) AS x FROM ONLY %s %s', oid::regclass, \
                    CASE oid WHEN to_regclass('trueup.entry') THEN 'WHERE kind <> ''refusal''' END), \
                 ' UNION ALL ') FROM pg_class WHERE relkind = 'r' AND relpersistence <> 't' AND NOT relisshared \
                 AND oid IS DISTINCT FROM to_regclass('trueup.refusal')",
            )
            .await;
        self.ask(&format!("SELECT string_agg(n || ' ' || x, ',') FROM ({tables}) AS state")).await
    }

    /// What pg_dump makes of its schema.
    pub async fn dump(&self) -> dump::Dump {
        dump::Dump::of(self).await
    }

    /// Drops it; what is left of a failed test is dropped with the server.
    pub async fn done(self) {
        let drop = format!("DROP DATABASE {} WITH (FORCE)", self.target.database());
        administer(self.server, &drop).await;
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file into the folder.
    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        path
    }

    /// Runs trueup on this database, in the folder, rehearsing on the same server.
    pub async fn trueup(&self, arguments: &[&str]) -> Ran {
        finish(self.command(arguments), arguments).await
    }

    /// Plans to this SQL, of which something must be left to do: desired.sql and the plan in the folder.
    pub async fn plan(&self, desired: &str) {
        self.write("desired.sql", desired);
        let planning = ["plan", "--schema", "desired.sql", "--out", "plan", "--exit-code", "--manage", "all"];
        self.trueup(&[&planning[..], &["--author", "maker"]].concat()).await.ended(2).unwrap();
    }

    /// The same, approved.
    pub async fn plan_approved(&self, desired: &str) {
        self.plan(desired).await;
        self.approve("plan").await.unwrap();
    }

    /// Approves all phases of a plan and accepts what it risks.
    pub async fn approve(&self, plan: &str) -> Result<Ran, String> {
        self.trueup(&["approve", plan, "--as", "tester", "--phase", "all", "--accept", "all"]).await.ended(0)
    }

    /// The same, of which a rollback that loses something is refused.
    pub async fn trueup_unattended(&self, arguments: &[&str]) -> Ran {
        let mut command = self.command(&[]);
        command.args(arguments);
        finish(command, arguments).await
    }

    /// The command line for that.
    pub fn command(&self, arguments: &[&str]) -> tokio::process::Command {
        let mut command = command(self.folder.path(), Some(&self.target), arguments);
        command.env("TRUEUP_SHADOW_URL", url(self.shadow));
        if std::env::var_os("TRUEUP_TEST_THROWAWAY").is_some_and(|always| always == "1") {
            on_throwaway_server(&mut command);
        }
        command
    }

    /// Runs trueup on this database, rehearsing on a throwaway server of its own, as it does by default.
    pub async fn trueup_by_itself(&self, arguments: &[&str]) -> Ran {
        let mut command = self.command(arguments);
        on_throwaway_server(&mut command);
        finish(command, arguments).await
    }
}

/// Runs a statement about a database, outside any.
async fn administer(server: &Target, sql: &str) {
    let admin = Session::connect(server).await.unwrap();
    admin.client().batch_execute(sql).await.unwrap();
    admin.close().await;
}

/// How a command ended.
#[derive(Debug)]
pub struct Ran {
    /// The command line.
    pub command: String,
    /// The exit code; nothing after a signal.
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Ran {
    /// All of it, for a person.
    pub fn shown(&self) -> String {
        let Self { command, code, stdout, stderr } = self;
        format!("$ {command}\n{stdout}{stderr}-- exit {code:?}\n")
    }

    /// Fails unless it ended with this code.
    pub fn ended(self, code: i32) -> Result<Self, String> {
        if self.code == Some(code) {
            Ok(self)
        } else {
            Err(format!("exit {code} was expected:\n{}", self.shown()))
        }
    }

    /// Fails unless it ended with this code and says this as its result.
    #[track_caller]
    pub fn fails_with_output(&self, code: i32, words: &str) {
        assert_eq!(self.code, Some(code), "{}", self.shown());
        assert!(self.stdout.contains(words), "{words:?} is not in\n{}", self.shown());
    }

    /// Fails unless it ended with this code and the first line of its error holds this.
    #[track_caller]
    pub fn fails(&self, code: i32, first_line: &str) {
        // before it there may be what was done until then
        let first = self.stderr.lines().find(|line| line.starts_with("error: ")).unwrap_or_default();
        assert_eq!(self.code, Some(code), "{}", self.shown());
        assert!(
            !first.is_empty() && first.contains(first_line),
            "{first_line:?} is not in the first line of\n{}",
            self.shown()
        );
        assert!(!self.stderr.contains("panicked"), "{}", self.shown());
    }
}

/// Has trueup start a server of its own, with the programs and the cache that the tests have.
fn on_throwaway_server(command: &mut tokio::process::Command) {
    command.env_remove("TRUEUP_SHADOW_URL");
    command.env("PATH", std::env::var_os("PATH").unwrap());
    command.env("TRUEUP_CACHE_DIR", scratch_options(None, Programs::Installed).cache_dir);
}

/// trueup's command line for this database, rehearsing on the same server. A rollback accepts what it loses.
pub fn command(folder: &Path, target: Option<&Target>, arguments: &[&str]) -> tokio::process::Command {
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_trueup"));
    command.current_dir(folder).args(arguments).env_clear();
    if arguments.first() == Some(&"rollback") && !arguments.contains(&"--accept") {
        command.args(["--accept", "DATA_LOSS"]);
    }
    // tests write by old names until the moment of contract
    let contracts = arguments.contains(&"all") || arguments.contains(&"contract");
    if arguments.first() == Some(&"apply") && contracts && !arguments.contains(&"--accept") {
        command.args(["--accept", "OLD_NAMES_IN_USE", "--reason", "a test"]);
    }
    command.env("PATH", "/usr/bin:/bin").env("HOME", folder).env("NO_COLOR", "1").env("USER", "tester");
    command.env("TRUEUP_SHADOW_URL", url(server()));
    if let Some(target) = target {
        command.env("DATABASE_URL", url(target));
    }
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    command
}

pub async fn trueup(folder: &Path, target: Option<&Target>, arguments: &[&str]) -> Ran {
    finish(command(folder, target, arguments), arguments).await
}

/// Runs it to its end.
pub async fn finish(mut command: tokio::process::Command, arguments: &[&str]) -> Ran {
    let shown = format!("trueup {}", arguments.join(" "));
    let ended = tokio::time::timeout(PATIENCE, command.output()).await;
    let Ok(output) = ended else { panic!("$ {shown}\nhangs") };
    let output = output.unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Ran {
        command: shown,
        code: output.status.code(),
        stdout: text(output.stdout),
        stderr: text(output.stderr),
    }
}

/// `postgres://…` for the binary.
pub fn url(target: &Target) -> String {
    let host = &target.hosts()[0];
    match host.socket() {
        Some(socket) => {
            let dir = socket.parent().unwrap_or(Path::new("/")).display().to_string();
            format!(
                "postgres:///{}?host={dir}&port={}&user={}",
                target.database(),
                host.port(),
                target.user()
            )
        }
        None => {
            format!("postgres://{}@{}:{}/{}", target.user(), host.name(), host.port(), target.database())
        }
    }
}

/// What the server said.
pub fn words(error: &tokio_postgres::Error) -> String {
    error.as_db_error().map_or_else(|| error.to_string(), ToString::to_string)
}
