//! SQL that is rehearsed may start programs. What they reach on the machine, in the sandbox and, so that the test is one,
//! without it.

use std::{
    fs,
    net::TcpListener,
    os::unix::{
        fs::{PermissionsExt, chown},
        net::UnixListener,
        process::CommandExt,
    },
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use nix::unistd::{User, geteuid};
use trueup::postgres::{Scratch, Session, Target};

use crate::oracle::{self, Programs, runtime};

/// How the server is started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// Without trueup's help.
    Plain,
    /// By an ordinary user.
    User,
    /// By root, who makes it a user of its own.
    Root,
    /// By an ordinary user where the kernel refuses user namespaces.
    Landlock,
}

/// The ids that root gives a server.
const OWN: u32 = 61_999;

/// What there is on the machine: a file with a secret, a folder that all may write to, a process of the server's user with a
/// secret in its environment, a port and a socket that listen.
struct Witnesses {
    folder: PathBuf,
    process: Child,
    port: TcpListener,
    _socket: UnixListener,
}

const IN_FILE: &str = "canary-in-a-file";
const IN_ENVIRONMENT: &str = "canary-in-an-environment";

impl Witnesses {
    fn there(user: u32) -> Self {
        // neither below /tmp nor below /dev/shm, which are others in there
        let folder = tempfile::Builder::new().prefix("canary").tempdir_in("/var/tmp").unwrap().keep();
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o777)).unwrap();
        fs::write(folder.join("secret"), IN_FILE).unwrap();
        let mut process = Command::new("sleep");
        process.arg("1000").env("CANARY", IN_ENVIRONMENT);
        if geteuid().is_root() {
            process.uid(user).gid(user);
        }
        let port = TcpListener::bind("127.0.0.1:0").unwrap();
        port.set_nonblocking(true).unwrap();
        let socket = folder.join(".s.PGSQL.5432");
        let listener = UnixListener::bind(&socket).unwrap();
        fs::set_permissions(&socket, fs::Permissions::from_mode(0o777)).unwrap();
        Self { folder, process: process.spawn().unwrap(), port, _socket: listener }
    }

    /// A script that reaches for all of it, and says what it found.
    fn reach(&self) -> String {
        let folder = self.folder.display();
        let port = self.port.local_addr().unwrap().port();
        format!(
            "cat {folder}/secret; cat /proc/*/environ | tr '\\0' '\\n' | grep CANARY; env | grep CANARY; \
             echo written > {folder}/witness; bash -c 'echo hello > /dev/tcp/127.0.0.1/{port}'; \
             test -S {folder}/.s.PGSQL.5432 && echo socket; (cat <&7) && echo inherited; kill -9 {process}; \
             touch \"$(dirname \"$(command -v cat)\")/trueup-witness\" && echo program; echo end",
            process = self.process.id()
        )
    }

    /// What it reached.
    fn reached(&mut self, said: &str) -> Vec<&'static str> {
        let killed = {
            let until = Instant::now() + Duration::from_secs(if said.contains("killed") { 5 } else { 0 });
            loop {
                match self.process.try_wait().unwrap() {
                    Some(_) => break true,
                    None if Instant::now() > until => break false,
                    None => std::thread::yield_now(),
                }
            }
        };
        let all = [
            ("file", said.contains(IN_FILE)),
            ("environment", said.contains(IN_ENVIRONMENT)),
            ("writing", self.folder.join("witness").exists()),
            ("network", self.port.accept().is_ok()),
            ("socket", said.lines().any(|line| line == "socket")),
            ("process", killed),
            ("descriptor", said.lines().any(|line| line == "inherited")),
            ("programs", said.lines().any(|line| line == "program")),
        ];
        all.into_iter().filter(|(_, reached)| *reached).map(|(what, _)| what).collect()
    }
}

impl Drop for Witnesses {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Copies trueup to where any user can run it. By another process: a file that is open for writing here is inherited by what
/// other tests start meanwhile, and cannot be run then.
fn copy_program(to: &Path) {
    assert!(Command::new("cp").arg(env!("CARGO_BIN_EXE_trueup")).arg(to).status().unwrap().success());
}

/// A server that was started in one of the ways.
struct Launched {
    way: Way,
    folder: PathBuf,
    child: Child,
}

impl Launched {
    async fn start(major: u16, way: Way, user: u32) -> Self {
        let options = oracle::scratch_options(Some(major), Programs::Installed);
        let scratch = Scratch::open(&options, &|_| {}).await.unwrap();
        let programs = scratch.binaries().unwrap().directory.clone();
        scratch.close().await.unwrap();
        let folder = tempfile::Builder::new().prefix("tup").tempdir_in("/tmp").unwrap().keep();
        let data = folder.join("data");
        let nobody = User::from_name("nobody").unwrap().unwrap().uid.as_raw();
        let as_user = |command: &mut Command| {
            if geteuid().is_root() {
                command.uid(nobody).gid(nobody);
            }
        };
        let owner = |user| {
            let all = Command::new("chown").arg("-R").arg(format!("{user}:{user}")).arg(&folder).status();
            assert!(all.unwrap().success());
        };
        if geteuid().is_root() {
            chown(&folder, Some(nobody), Some(nobody)).unwrap();
        }
        let mut initdb = Command::new(programs.join("initdb"));
        initdb
            .args(["--no-sync", "--auth=trust", "--username=postgres", "-D"])
            .arg(&data)
            .stdout(Stdio::null());
        as_user(&mut initdb);
        assert!(initdb.current_dir("/").status().unwrap().success());
        if geteuid().is_root() {
            owner(if way == Way::Root { user } else { nobody });
        }
        // where any user can run it
        let trueup = folder.join("trueup");
        copy_program(&trueup);
        let run_server = |command: &mut Command, user: &str, strict: &str| {
            command.arg("run-server").arg(&folder).args([user, strict]).arg(&programs);
        };
        let mut command;
        match way {
            Way::Plain => {
                command = Command::new(programs.join("postgres"));
                as_user(&mut command);
            }
            Way::User => {
                command = Command::new(&trueup);
                run_server(&mut command, "-", "strict");
                as_user(&mut command);
            }
            Way::Root => {
                command = Command::new(&trueup);
                run_server(&mut command, &format!("{user}:{user}"), "strict");
            }
            Way::Landlock => {
                command = Command::new("unshare");
                let limited = "echo 0 > /proc/sys/user/max_user_namespaces; exec \"$0\" \"$@\"";
                command
                    .args(["--user", "--map-current-user", "--keep-caps", "sh", "-c", limited])
                    .arg(&trueup);
                run_server(&mut command, "-", "-");
                as_user(&mut command);
            }
        }
        command
            .arg("-D")
            .arg(&data)
            .arg("-k")
            .arg(&folder)
            .args(["-c", "listen_addresses=", "-c", "fsync=off"])
            .args(["-c", "dynamic_shared_memory_type=mmap"]);
        command.env("CANARY", IN_ENVIRONMENT).current_dir("/").stdin(Stdio::null());
        if way != Way::Plain {
            // as the supervisor does
            command.env_clear();
        }
        let log = fs::File::create(folder.join("log")).unwrap();
        command.stderr(log);
        // a file of who runs trueup, open in the shell
        let open = fs::File::open("/etc/hostname").unwrap();
        let shell = "exec 7<&0 0</dev/null; exec \"$0\" \"$@\"";
        let mut from_shell = Command::new("sh");
        from_shell.args(["-c", shell]).arg(command.get_program()).args(command.get_args());
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => from_shell.env(name, value),
                None => from_shell.env_remove(name),
            };
        }
        if way != Way::Plain {
            from_shell.env_clear();
        }
        if way != Way::Root {
            as_user(&mut from_shell);
        }
        from_shell.current_dir("/").stdin(open).stderr(fs::File::create(folder.join("log")).unwrap());
        let mut command = from_shell;
        Self { way, child: command.spawn().unwrap(), folder }
    }

    async fn session(&mut self) -> Session {
        let target = Target::socket(&self.folder, 5432, "postgres", "postgres");
        loop {
            if let Ok(session) = Session::connect(&target).await {
                return session;
            }
            let log = || fs::read_to_string(self.folder.join("log")).unwrap();
            assert!(self.child.try_wait().unwrap().is_none(), "{:?} {}", self.way, log());
            tokio::task::yield_now().await;
        }
    }

    fn sandbox(&self) -> String {
        fs::read_to_string(self.folder.join("sandbox")).unwrap_or_default()
    }
}

impl Drop for Launched {
    fn drop(&mut self) {
        let id = nix::unistd::Pid::from_raw(self.child.id().try_into().unwrap());
        // before it has its handlers the first process of a namespace ignores it
        while self.child.try_wait().unwrap().is_none() {
            let _ = nix::sys::signal::kill(id, nix::sys::signal::Signal::SIGQUIT);
            std::thread::yield_now();
        }
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// What a superuser's SQL reaches on a server that is started this way.
async fn reached(major: u16, way: Way) -> (String, Vec<&'static str>) {
    let user = if way == Way::Root { OWN } else { User::from_name("nobody").unwrap().unwrap().uid.as_raw() };
    let mut witnesses = Witnesses::there(user);
    let mut server = Launched::start(major, way, user).await;
    let session = server.session().await;
    let reach = trueup::sql::literal(&witnesses.reach());
    let copy = format!("CREATE TABLE said (line text); COPY said FROM PROGRAM {reach} (DELIMITER E'\\x01')");
    session.client().batch_execute(&copy).await.unwrap();
    let said = session.client().query_one("SELECT string_agg(line, E'\\n') FROM said", &[]).await.unwrap();
    let said: String = said.get(0);
    assert!(said.contains("end"), "{said}");
    // what a server does meanwhile still works: a parallel query, a large sort, a restart of its memory
    let works = "SET max_parallel_workers_per_gather = 2; SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0;
        SET min_parallel_table_scan_size = 0; SET work_mem = '64kB'; CREATE TABLE many AS SELECT n FROM generate_series(1, 50000) n;
        CREATE INDEX ON many (n); SELECT count(DISTINCT n::text) FROM many; SELECT to_tsvector('english', 'cats'), now() AT TIME ZONE 'Europe/Berlin'";
    session.client().batch_execute(works).await.unwrap();
    session.close().await;
    (server.sandbox(), witnesses.reached(&said))
}

fn is_confined(major: u16) {
    runtime().block_on(async {
        // a check that cannot fail is none
        let (sandbox, plain) = reached(major, Way::Plain).await;
        assert_eq!(sandbox, "");
        assert_eq!(plain, ["file", "environment", "writing", "network", "socket", "process", "descriptor"]);
        let mut ways = vec![Way::User];
        if geteuid().is_root() {
            ways.push(Way::Root);
        }
        for way in ways {
            assert_eq!(reached(major, way).await, ("namespaces".to_owned(), Vec::new()), "{way:?}");
        }
        let (sandbox, left) = reached(major, Way::Landlock).await;
        // a socket is seen, and older kernels have no Landlock, or one that knows of files only
        if sandbox == "Landlock" {
            assert!(left.iter().all(|what| ["network", "socket", "process"].contains(what)), "{left:?}");
        }
    });
}

#[test]
fn programs_started_by_sql_reach_nothing_of_the_machine_on_15() {
    is_confined(15);
}

#[test]
fn programs_started_by_sql_reach_nothing_of_the_machine_on_18() {
    is_confined(18);
}

/// trueup as an ordinary user, with a cache of its own.
struct Ordinary {
    folder: tempfile::TempDir,
}

impl Ordinary {
    fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("tup").tempdir_in("/tmp").unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).unwrap();
        copy_program(&folder.path().join("trueup"));
        Self { folder }
    }

    /// What it says to these arguments; where the kernel refuses user namespaces, if asked for.
    fn says(&self, refused: bool, arguments: &[&str]) -> (Option<i32>, String) {
        let trueup = self.folder.path().join("trueup");
        let mut command;
        if refused {
            command = Command::new("unshare");
            let limited = "echo 0 > /proc/sys/user/max_user_namespaces; exec \"$0\" \"$@\"";
            command.args(["--user", "--map-current-user", "--keep-caps", "sh", "-c", limited]).arg(&trueup);
        } else {
            command = Command::new(&trueup);
        }
        if geteuid().is_root() {
            let nobody = User::from_name("nobody").unwrap().unwrap().uid.as_raw();
            command.uid(nobody).gid(nobody);
        }
        let cache = self.folder.path().join("cache");
        command.args(arguments).env_clear().env("PATH", "/usr/bin:/bin").env("TRUEUP_CACHE_DIR", cache);
        command.envs(std::env::var_os("TRUEUP_NPM_REGISTRY").map(|url| ("TRUEUP_NPM_REGISTRY", url)));
        let ran = command.current_dir(&self.folder).stdin(Stdio::null()).output().unwrap();
        let [said, errors] =
            [&ran.stdout, &ran.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned());
        (ran.status.code(), said + &errors)
    }
}

/// Who asks for namespaces gets no server without them; and `doctor` says what there is.
#[test]
fn without_namespaces_nothing_untrusted_runs() {
    let ordinary = Ordinary::new();
    let (code, said) = ordinary.says(false, &["doctor", "--untrusted"]);
    assert!(said.contains("sandbox           namespaces: no network"), "{said}");
    assert_eq!(code, Some(0), "{said}");
    let (code, said) = ordinary.says(true, &["doctor"]);
    assert!(
        said.contains("sandbox           Landlock: ") || said.contains("sandbox           none: "),
        "{said}"
    );
    assert_eq!(code, Some(0), "{said}");
    let (code, said) = ordinary.says(true, &["doctor", "--untrusted"]);
    let why = "SQL that is not trusted needs a throwaway server in namespaces of its own: unshare: ";
    assert!(said.contains(why), "{said}");
    assert_eq!(code, Some(1), "{said}");
    let shadow = ["demo", "--untrusted", "--shadow-url", "postgres://nobody@localhost/x"];
    let (code, said) = ordinary.says(false, &shadow);
    assert!(
        said.contains("--untrusted: SQL that is not trusted does not run on the server of --shadow-url"),
        "{said}"
    );
    assert_eq!(code, Some(1), "{said}");
}

/// What is run from the cache is whose the cache is.
#[test]
fn a_cache_that_others_can_write_to_is_not_used() {
    let ordinary = Ordinary::new();
    let cache = ordinary.folder.path().join("cache");
    fs::create_dir(&cache).unwrap();
    let refused = |why: &str| {
        let (code, said) = ordinary.says(false, &["demo"]);
        assert!(said.contains(&format!("could hold what somebody else put there: {why}")), "{said}");
        assert_eq!(code, Some(1));
    };
    fs::set_permissions(&cache, fs::Permissions::from_mode(0o777)).unwrap();
    if geteuid().is_root() {
        let nobody = User::from_name("nobody").unwrap().unwrap().uid.as_raw();
        chown(&cache, Some(nobody), Some(nobody)).unwrap();
    }
    refused("others may write to it (mode 777)");
    if geteuid().is_root() {
        fs::set_permissions(&cache, fs::Permissions::from_mode(0o755)).unwrap();
        chown(&cache, Some(4711), Some(4711)).unwrap();
        refused("it belongs to user 4711");
        // a link of somebody else's, to a folder that is the user's
        let real = ordinary.folder.path().join("real");
        fs::rename(&cache, &real).unwrap();
        chown(&real, Some(65534), Some(65534)).unwrap();
        std::os::unix::fs::symlink(&real, &cache).unwrap();
        std::os::unix::fs::lchown(&cache, Some(4711), Some(4711)).unwrap();
        refused("it belongs to user 4711");
    }
}

/// Who runs SQL on a shadow server needs no more than CREATEDB there; a superuser is said to be one.
#[test]
fn a_shadow_servers_role_needs_only_createdb() {
    runtime().block_on(async {
        let database = oracle::Database::with("CREATE TABLE a (id int PRIMARY KEY)").await.unwrap();
        let role = format!("shadow_{}", database.target.database());
        database.execute(&format!("CREATE ROLE {role} LOGIN CREATEDB")).await;
        database.write("desired.sql", "CREATE TABLE a (id int PRIMARY KEY, b text NOT NULL DEFAULT 'x');");
        for (user, warns) in [(role.as_str(), false), ("postgres", true)] {
            let url = oracle::url(&database.target.with_user(user, None).with_database("postgres"));
            let plan = ["plan", "--schema", "desired.sql", "--out", user, "--shadow-url", &url];
            let ran = database.trueup(&plan).await.ended(0).unwrap();
            let warned = ran.stderr.contains("a superuser; a role with CREATEDB is enough");
            assert_eq!(warned, warns, "{}", ran.shown());
        }
        database.execute(&format!("DROP ROLE {role}")).await;
        database.done().await;
    });
}
