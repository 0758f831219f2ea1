//! Throwaway servers, with real processes: ready soon, and gone whatever happens.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use base64::Engine;
use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;
use sha2::{Digest, Sha512};
use trueup::postgres::{
    DatabaseSettings, Local, Scratch, ScratchDatabase, ScratchError, ScratchOptions, Session, Target,
};

fn options() -> ScratchOptions {
    ScratchOptions::from_env(&|name| std::env::var_os(name))
}

/// As on a machine without PostgreSQL.
fn nothing_local() -> ScratchOptions {
    ScratchOptions { local: Local::Hidden, ..options() }
}

async fn open(options: &ScratchOptions) -> Scratch {
    Scratch::open(options, &|line| println!("{line}")).await.unwrap()
}

async fn text(session: &Session, query: &str) -> String {
    let row = session.client().query_one(query, &[]).await.unwrap();
    row.get::<_, Option<String>>(0).unwrap_or_default()
}

/// A folder that the server's unprivileged user can enter as well.
fn open_folder() -> tempfile::TempDir {
    use std::os::unix::fs::PermissionsExt;
    let open = std::fs::Permissions::from_mode(0o755);
    tempfile::Builder::new().permissions(open).tempdir_in("/tmp").unwrap()
}

#[tokio::test]
async fn one_is_ready_soon_and_leaves_nothing() {
    open(&options()).await.close().await.unwrap();
    let began = Instant::now();
    let scratch = open(&options()).await;
    println!("{} ready after {:?}", scratch.describe(), began.elapsed());
    let database = scratch.create_database(&DatabaseSettings::default()).await.unwrap();
    println!("with a database after {:?}", began.elapsed());
    assert_eq!(DatabaseSettings::of(database.session()).await.unwrap(), DatabaseSettings::default());
    assert!(database.session().is_superuser());
    assert_eq!(scratch.major(), database.session().major());
    assert!(!scratch.system_identifier().is_empty());
    assert_eq!(text(database.session(), "SELECT current_setting('application_name')").await, "trueup");
    let left = Left::of(scratch.directory().unwrap());
    scratch.close().await.unwrap();
    println!("closed after {:?}", began.elapsed());
    left.assert_nothing_at_once();
}

#[tokio::test]
async fn dropping_one_stops_it() {
    let scratch = open(&options()).await;
    let left = Left::of(scratch.directory().unwrap());
    drop(scratch);
    left.assert_nothing_at_once();
}

#[tokio::test]
async fn databases_are_like_live() {
    let scratch = open(&options()).await;
    let settings = DatabaseSettings { encoding: "LATIN1".to_owned(), ..DatabaseSettings::default() };
    let one = scratch.create_database(&settings).await.unwrap();
    assert_eq!(DatabaseSettings::of(one.session()).await.unwrap(), settings);
    assert_eq!(one.locale_fallback(), None);
    if scratch.major() >= 15 {
        let icu = DatabaseSettings {
            locale_provider: "icu".to_owned(),
            locale: Some("de-AT".to_owned()),
            ..DatabaseSettings::default()
        };
        let two = scratch.create_database(&icu).await.unwrap();
        assert_eq!(DatabaseSettings::of(two.session()).await.unwrap(), icu);
        // Locales of live's operating system need not be installed here.
        let absent =
            DatabaseSettings { collate: "xx_XX.UTF-8".to_owned(), ctype: "xx_XX.UTF-8".to_owned(), ..icu };
        let three = scratch.create_database(&absent).await.unwrap();
        assert_eq!(DatabaseSettings::of(three.session()).await.unwrap().locale.as_deref(), Some("de-AT"));
    }
    let absent = DatabaseSettings { collate: "xx_XX.UTF-8".to_owned(), ..DatabaseSettings::default() };
    let four = scratch.create_database(&absent).await.unwrap();
    assert!(four.locale_fallback().unwrap().contains("xx_XX"), "{:?}", four.locale_fallback());
    scratch.drop_database(four).await.unwrap();
    scratch.close().await.unwrap();
}

#[tokio::test]
async fn notices_are_there_when_the_statement_returns() {
    let scratch = open(&options()).await;
    let database = scratch.create_database(&DatabaseSettings::default()).await.unwrap();
    let session = database.session();
    let raise = "DO $$BEGIN FOR i IN 1..500 LOOP RAISE NOTICE 'n%', i; END LOOP; RAISE WARNING 'w'; END$$";
    session.client().batch_execute(raise).await.unwrap();
    let notices = session.take_notices();
    assert_eq!(notices.len(), 501);
    assert_eq!((notices[499].message.as_str(), notices[500].severity.as_str()), ("n500", "WARNING"));
    session.client().batch_execute("SET client_min_messages = debug1").await.unwrap();
    session.client().execute("CREATE TABLE t (a int PRIMARY KEY)", &[]).await.unwrap();
    session.settle().await.unwrap();
    let notices = session.take_notices();
    assert!(notices.iter().any(|n| n.severity == "DEBUG" && n.message.contains("t_pkey")), "{notices:?}");
    assert!(session.take_notices().is_empty());
    scratch.close().await.unwrap();
}

// ---------------------------------------------------------------------------------------------------------------
// The end of the owner

/// What there would be of a cluster if it had not been removed.
struct Left {
    directory: PathBuf,
    processes: Vec<i32>,
}

impl Left {
    fn of(directory: &Path) -> Self {
        let pid = std::fs::read_to_string(directory.join("data/postmaster.pid")).unwrap();
        let server = pid.lines().next().unwrap().parse().unwrap();
        // the server's own is in one that is removed with it
        let directory = directory.parent().unwrap();
        let name = directory.file_name().unwrap().to_str().unwrap();
        let keeper = name.split('-').nth(1).unwrap().parse().unwrap();
        let left = Self { directory: directory.to_owned(), processes: vec![server, keeper] };
        assert!(left.processes.iter().all(|pid| runs(*pid)), "{:?}", left.processes);
        left
    }

    fn what(&self) -> Vec<String> {
        let processes = self.processes.iter().filter(|pid| runs(**pid)).map(|pid| format!("process {pid}"));
        let directory = self.directory.exists().then(|| self.directory.display().to_string());
        processes.chain(directory).collect()
    }

    fn assert_nothing_at_once(&self) {
        assert_eq!(self.what(), [] as [String; 0]);
    }

    fn assert_nothing_soon(&self) {
        wait_until("nothing is left", || self.what().is_empty());
    }
}

fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
    let began = Instant::now();
    while !done() {
        assert!(began.elapsed() < Duration::from_secs(20), "in vain: {what}");
        std::thread::yield_now();
    }
    println!("{what} after {:?}", began.elapsed());
}

/// Whether it runs: one that has ended and that its parent has not asked about does not.
fn runs(pid: i32) -> bool {
    match std::fs::read_to_string(format!("/proc/{pid}/stat")) {
        Ok(stat) => !stat.rsplit(") ").next().unwrap().starts_with('Z'),
        Err(_) => !Path::new("/proc/self").exists() && kill(Pid::from_raw(pid), None).is_ok(),
    }
}

const DOES: &str = "TRUEUP_TEST_OWNER_DOES";
const RUN_DIR: &str = "TRUEUP_TEST_RUN_DIR";
const SHADOW: &str = "TRUEUP_TEST_SHADOW";
const KEEPER: &str = "TRUEUP_TEST_KEEPER";

/// Not a test: what the owner's process does that the tests below start.
#[test]
#[ignore = "is run by other tests, in a process of its own"]
fn owner() {
    let Ok(does) = std::env::var(DOES) else { return };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut options = options();
        if let Some(run_dir) = std::env::var_os(RUN_DIR) {
            options.run_dir = run_dir.into();
        }
        if let Ok(url) = std::env::var(SHADOW) {
            options.shadow = Some(Target::resolve(Some(&url), &|_| None).unwrap());
            if std::env::var_os(KEEPER).is_some() {
                let exe = std::env::current_exe().unwrap().into_os_string();
                let arguments = ["--ignored", "--exact", "throwaway::keeper"].map(Into::into);
                options.shadow_keeper = Some([exe].into_iter().chain(arguments).collect());
            }
        }
        let scratch = Scratch::open(&options, &|_| {}).await.unwrap();
        let database: ScratchDatabase = scratch.create_database(&DatabaseSettings::default()).await.unwrap();
        scratch.create_role("scratch_made_role").await.unwrap();
        let directory = scratch.directory().map(|directory| directory.display().to_string());
        // where SIGINT is ignored, as in what a shell starts in the background, it ends no process by itself: who is told
        // that this is ready may send it at once
        let mut interrupt =
            tokio::signal::unix::signal(tokio::signal::unix::SignalKind::interrupt()).unwrap();
        println!("\nready {}", directory.unwrap_or_else(|| database.name().to_owned()));
        std::io::stdout().flush().unwrap();
        assert!(does != "panic", "as the test wants it");
        interrupt.recv().await;
        std::process::exit(130);
    });
}

/// Not a test: the keeper of a shadow server.
#[test]
#[ignore = "is run by other tests, in a process of its own"]
fn keeper() {
    trueup::postgres::keep_shadow(&mut std::io::stdin().lock()).unwrap();
}

/// Starts an owner, and waits until it has a server or a database, whose directory or name it says.
fn start_owner(does: &str, env: &[(&str, &str)]) -> (Child, String) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--ignored", "--exact", "--nocapture", "throwaway::owner"]).env(DOES, does);
    command.envs(env.iter().copied()).stdout(Stdio::piped()).stderr(Stdio::null()).process_group(0);
    let mut child = command.spawn().unwrap();
    let lines = BufReader::new(child.stdout.as_mut().unwrap()).lines();
    let ready = lines.map(Result::unwrap).find_map(|line| Some(line.strip_prefix("ready ")?.to_owned()));
    (child, ready.unwrap())
}

fn signal_ends_everything(signal: Signal) {
    let (mut owner, directory) = start_owner("wait", &[]);
    let left = Left::of(Path::new(&directory));
    // As a terminal does it: to the whole process group.
    killpg(Pid::from_raw(owner.id().cast_signed()), signal).unwrap();
    owner.wait().unwrap();
    left.assert_nothing_soon();
}

#[test]
fn nothing_is_left_after_a_panic() {
    let (mut owner, directory) = start_owner("panic", &[]);
    // It may be over already; what is left counts.
    assert!(!owner.wait().unwrap().success());
    assert!(!Path::new(&directory).exists());
}

#[test]
fn nothing_is_left_after_ctrl_c() {
    signal_ends_everything(Signal::SIGINT);
}

#[test]
fn nothing_is_left_after_sigterm() {
    signal_ends_everything(Signal::SIGTERM);
}

#[test]
fn nothing_is_left_after_sigkill() {
    signal_ends_everything(Signal::SIGKILL);
}

#[tokio::test]
async fn killed_at_any_moment_of_its_start_it_leaves_nothing() {
    // The template is there, so that what is killed is the start of a server.
    open(&options()).await.close().await.unwrap();
    let run_dir = tempfile::tempdir_in(options().run_dir).unwrap();
    std::fs::set_permissions(run_dir.path(), std::os::unix::fs::PermissionsExt::from_mode(0o1777)).unwrap();
    let mentioned = || {
        let entries = std::fs::read_dir("/proc").unwrap().flatten();
        let lines = entries.filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok());
        let name = run_dir.path().as_os_str().as_encoded_bytes();
        lines.filter(|line| line.windows(name.len()).any(|part| part == name)).count()
    };
    for moment in (0..150).step_by(10).map(Duration::from_millis) {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command
            .args(["--ignored", "--exact", "throwaway::owner"])
            .env(DOES, "wait")
            .env(RUN_DIR, run_dir.path());
        let mut owner = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let began = Instant::now();
        while began.elapsed() < moment {
            std::thread::yield_now();
        }
        owner.kill().unwrap();
        owner.wait().unwrap();
        // A keeper that has not made its directory yet has the path in its command line already.
        wait_until(&format!("nothing is left of the one killed at {moment:?}"), || {
            mentioned() == 0 && std::fs::read_dir(run_dir.path()).unwrap().next().is_none()
        });
    }
}

// ---------------------------------------------------------------------------------------------------------------
// Shadow servers

const MADE: &str = "SELECT string_agg(name, ' ') FROM (SELECT datname::text FROM pg_database \
     WHERE datname LIKE 'trueup\\_scratch\\_%' UNION ALL SELECT rolname FROM pg_roles \
     WHERE rolname LIKE 'scratch\\_made%') AS made (name)";

fn url(target: &Target) -> String {
    let host = target.hosts()[0].name();
    format!("host={host} user={} dbname={}", target.user(), target.database())
}

#[tokio::test]
async fn a_shadow_server_is_left_as_it_was() {
    let server = open(&options()).await;
    let setup =
        "CREATE ROLE maker LOGIN CREATEDB CREATEROLE; CREATE ROLE poor LOGIN; CREATE ROLE scratch_theirs";
    server.admin().client().batch_execute(setup).await.unwrap();
    let shadow = server.target().with_user("maker", None);
    let options = ScratchOptions { shadow: Some(shadow.clone()), major: Some(server.major()), ..options() };

    let scratch = open(&options).await;
    assert!(scratch.is_shadow());
    assert_eq!(scratch.system_identifier(), server.system_identifier());
    let database = scratch.create_database(&DatabaseSettings::default()).await.unwrap();
    assert!(scratch.create_role("scratch_made").await.unwrap());
    assert!(!scratch.create_role("scratch_theirs").await.unwrap());
    // A second user meanwhile takes nothing away.
    open(&options).await.close().await.unwrap();
    assert_eq!(text(server.admin(), MADE).await, format!("{} scratch_made", database.name()));
    scratch.close().await.unwrap();
    assert_eq!(text(server.admin(), MADE).await, "");
    assert_eq!(text(server.admin(), "SELECT 'scratch_theirs'::regrole::text").await, "scratch_theirs");

    let poor = ScratchOptions { shadow: Some(server.target().with_user("poor", None)), ..options.clone() };
    let error = Scratch::open(&poor, &|_| {}).await.unwrap_err();
    assert!(matches!(error, ScratchError::ShadowPrivilege { .. }), "{error}");
    let other = if server.major() == 18 { 17 } else { 18 };
    let error = Scratch::open(&options.with_major(other), &|_| {}).await.unwrap_err();
    assert!(matches!(error, ScratchError::ShadowMajor { wanted, .. } if wanted == other), "{error}");
    server.close().await.unwrap();
}

#[tokio::test]
async fn the_next_user_of_a_shadow_server_drops_what_a_killed_one_left() {
    let server = open(&options()).await;
    let url = url(server.target());
    let (mut owner, database) = start_owner("wait", &[(SHADOW, &url)]);
    owner.kill().unwrap();
    owner.wait().unwrap();
    assert_eq!(text(server.admin(), MADE).await, format!("{database} scratch_made_role"));
    // The server notices the end of the owner's sessions by itself.
    let others = "SELECT count(*)::text FROM pg_stat_activity WHERE backend_type = 'client backend'";
    while text(server.admin(), others).await != "1" {
        tokio::task::yield_now().await;
    }
    let options = ScratchOptions { shadow: Some(server.target().clone()), ..options() };
    open(&options).await.close().await.unwrap();
    assert_eq!(text(server.admin(), MADE).await, "");
    server.close().await.unwrap();
}

#[tokio::test]
async fn the_keeper_of_a_shadow_server_drops_what_a_killed_owner_left() {
    let server = open(&options()).await;
    let (mut owner, _) = start_owner("wait", &[(SHADOW, &url(server.target())), (KEEPER, "1")]);
    assert_ne!(text(server.admin(), MADE).await, "");
    killpg(Pid::from_raw(owner.id().cast_signed()), Signal::SIGKILL).unwrap();
    owner.wait().unwrap();
    let began = Instant::now();
    while !text(server.admin(), MADE).await.is_empty() {
        assert!(began.elapsed() < Duration::from_secs(20));
    }
    server.close().await.unwrap();
}

// ---------------------------------------------------------------------------------------------------------------
// Machines without PostgreSQL

#[tokio::test]
async fn without_local_programs_they_are_downloaded() {
    let scratch = open(&nothing_local()).await;
    println!("{}", scratch.describe());
    assert_eq!(scratch.major(), 18);
    let icu = DatabaseSettings {
        locale_provider: "icu".to_owned(),
        locale: Some("de-AT".to_owned()),
        ..DatabaseSettings::default()
    };
    let builtin = DatabaseSettings {
        locale_provider: "builtin".to_owned(),
        locale: Some("C.UTF-8".to_owned()),
        ..DatabaseSettings::default()
    };
    for settings in [icu, builtin] {
        let database = scratch.create_database(&settings).await.unwrap();
        assert_eq!(DatabaseSettings::of(database.session()).await.unwrap(), settings);
    }
    scratch.close().await.unwrap();
}

/// A registry with one version of one major, which answers from memory.
struct Registry {
    url: String,
}

impl Registry {
    fn start(tarball: Vec<u8>, integrity: &str) -> Self {
        Self::of("15.99.0-beta.1", tarball, integrity)
    }

    fn of(version: &str, tarball: Vec<u8>, integrity: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let metadata = serde_json::json!({ "versions": { version: { "dist": {
            "tarball": format!("{url}/tarball.tgz"), "integrity": integrity
        } } } });
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut request = Vec::new();
                let mut reader = BufReader::new(&mut stream);
                while !request.ends_with(b"\r\n\r\n") && reader.read_until(b'\n', &mut request).unwrap() > 0 {
                }
                let body = if request.starts_with(b"GET /tarball.tgz") {
                    tarball.clone()
                } else {
                    metadata.to_string().into_bytes()
                };
                let head =
                    format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
                stream.write_all(head.as_bytes()).unwrap();
                stream.write_all(&body).unwrap();
                let _ = stream.read(&mut [0; 1]);
            }
        });
        Self { url }
    }

    fn options(&self, cache: &Path) -> ScratchOptions {
        let (registry, cache_dir) = (Some(self.url.clone()), cache.to_owned());
        ScratchOptions { registry, cache_dir, major: Some(15), allow_unpinned: true, ..nothing_local() }
    }
}

fn sha512(bytes: &[u8]) -> String {
    format!("sha512-{}", base64::engine::general_purpose::STANDARD.encode(Sha512::digest(bytes)))
}

/// A package whose programs are links to those that are on this machine, in the form of small scripts.
fn package() -> Vec<u8> {
    let local = options().local.find(None);
    let mut builder =
        tar::Builder::new(flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast()));
    let mut add = |name: &str, content: &str| {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o755);
        builder.append_data(&mut header, format!("package/native/{name}"), content.as_bytes()).unwrap();
    };
    if let Some(local) = local.first() {
        for program in ["initdb", "postgres"] {
            let path = local.directory.join(program);
            let version = "case $1 in --version) echo 'postgres (PostgreSQL) 15.99'; exit;; esac";
            let version = if program == "postgres" { version } else { "" };
            add(
                &format!("bin/{program}"),
                &format!("#!/bin/sh\n{version}\nexec {} \"$@\"\n", path.display()),
            );
        }
    }
    add("pg-symlinks.json", r#"[{"source":"native/bin/initdb","target":"native/bin/also-initdb"}]"#);
    builder.into_inner().unwrap().finish().unwrap()
}

#[tokio::test]
async fn a_download_goes_into_the_cache_and_is_used_from_there() {
    let cache = open_folder();
    let package = package();
    let integrity = sha512(&package);
    let registry = Registry::start(package, &integrity);
    let options = registry.options(cache.path());
    if self::options().local.find(None).is_empty() {
        println!("there is nothing local to make a package of");
        return;
    }
    open(&options).await.close().await.unwrap();
    // Once more, without anything to ask.
    let scratch = open(&ScratchOptions { registry: None, ..options }).await;
    assert!(scratch.describe().contains("15.99.0-beta.1"), "{}", scratch.describe());
    scratch.close().await.unwrap();
}

#[tokio::test]
async fn a_corrupted_download_is_refused_and_nothing_is_kept() {
    let cache = open_folder();
    let registry = Registry::start(package(), &sha512(b"something else"));
    let error = Scratch::open(&registry.options(cache.path()), &|_| {}).await.unwrap_err();
    assert!(matches!(error, ScratchError::Checksum { .. }), "{error}");
    assert_eq!(std::fs::read_dir(cache.path()).unwrap().count(), 0);
}

/// A registry that is not to be trusted has another package, and announces what it is.
#[tokio::test]
async fn a_download_that_this_release_does_not_know_is_refused() {
    let cache = open_folder();
    let package = package();
    let integrity = sha512(&package);
    let registry = Registry::start(package, &integrity);
    let options = ScratchOptions { allow_unpinned: false, ..registry.options(cache.path()) };
    let error = Scratch::open(&options, &|_| {}).await.unwrap_err();
    assert!(matches!(error, ScratchError::Download { .. }), "{error}");
    assert!(error.to_string().contains("it has no 15."), "{error}");
    let pinned = error.to_string();
    let version = pinned.split("it has no ").nth(1).unwrap().split(' ').next().unwrap();
    let registry = Registry::of(version, self::package(), &integrity);
    let options = ScratchOptions { allow_unpinned: false, ..registry.options(cache.path()) };
    let error = Scratch::open(&options, &|_| {}).await.unwrap_err();
    assert!(error.to_string().contains("is not what this release of trueup knows"), "{error}");
    assert_eq!(std::fs::read_dir(cache.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn without_a_registry_it_says_what_to_do() {
    let cache = open_folder();
    let (registry, cache_dir) = (None, cache.path().to_owned());
    let options = ScratchOptions { registry, cache_dir, major: Some(16), ..nothing_local() };
    let error = Scratch::open(&options, &|_| {}).await.unwrap_err();
    assert_eq!(error.to_string(), "there is no PostgreSQL 16 on this machine");
    assert!(error.hint().contains("--shadow-url"));
    let error = Scratch::open(&options.with_major(13), &|_| {}).await.unwrap_err();
    assert_eq!(error.to_string(), "PostgreSQL 13 is not supported");
}
