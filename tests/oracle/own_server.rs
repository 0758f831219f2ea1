//! A server of a test's own, with settings that the others do not have; or a standby, which only ever recovers.

use std::{
    fs,
    io::Write as _,
    os::unix::{
        fs::{PermissionsExt, chown},
        process::CommandExt,
    },
    path::PathBuf,
    process::{Child, Command, Stdio},
};

use nix::unistd::{User, geteuid};
use trueup::postgres::{Scratch, ScratchOptions, Session, Target};

use super::{Programs, scratch_options};

/// Runs the server, in a new cluster unless there is one, until nobody holds the other end of standard input, and removes it then. Each line makes it crash and
/// start again, with the programs in the folder that the line names, if it names one.
const KEEPER: &str = r#"bin=$1 folder=$2 signal=$3
shift 3
[ -d "$folder/data" ] || "$bin/initdb" --no-sync --auth=trust --username=postgres --encoding=UTF8 --locale=C -D "$folder/data" >/dev/null
[ -z "$signal" ] || touch "$folder/data/$signal"
run() {
    "$bin/postgres" -D "$folder/data" -k "$folder" -c listen_addresses= -c fsync=off "$@" </dev/null >>"$folder/log" 2>&1 &
}
crash() { kill -QUIT $!; wait $!; }
run "$@"
while read -r other; do crash; bin=${other:-$bin}; run "$@"; done
crash; rm -rf "$folder""#;

/// Who runs servers where root may not.
fn account() -> Option<(u32, u32)> {
    let found = ["postgres", "nobody"].iter().find_map(|name| User::from_name(name).unwrap());
    found.filter(|_| geteuid().is_root()).map(|found| (found.uid.as_raw(), found.gid.as_raw()))
}

fn as_server(command: &mut Command) -> &mut Command {
    if let Some((uid, gid)) = account() {
        command.uid(uid).gid(gid);
    }
    command.current_dir("/")
}

fn new_folder() -> PathBuf {
    let folder = tempfile::Builder::new().prefix("tup").tempdir_in("/tmp").unwrap().keep();
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).unwrap();
    if let Some((uid, gid)) = account() {
        chown(&folder, Some(uid), Some(gid)).unwrap();
    }
    folder
}

/// A running server, as long as this lives.
pub struct OwnServer {
    pub target: Target,
    folder: PathBuf,
    keeper: Child,
}

impl OwnServer {
    /// A standby that has no primary.
    pub async fn standby() -> Self {
        Self::begin(None, "standby.signal", &[]).await
    }

    /// A primary with these settings.
    pub async fn with(settings: &[&str]) -> Self {
        Self::begin(None, "", settings).await
    }

    /// The same of this major version.
    pub async fn of(major: u16, settings: &[&str]) -> Self {
        Self::begin(Some(major), "", settings).await
    }

    /// A primary with these programs.
    pub async fn from(programs: Programs, major: u16) -> Self {
        Self::begin_in(new_folder(), &scratch_options(Some(major), programs), "", &[]).await
    }

    /// A standby that follows this one, from a base backup (PostgreSQL manual, 26.3.3).
    pub async fn follower(&self) -> Self {
        let folder = new_folder();
        let session = self.running().await;
        let client = session.client();
        client.batch_execute("SELECT pg_backup_start('follower', true)").await.unwrap();
        let [from, to] = [&self.folder, &folder].map(|folder| folder.join("data"));
        let copy = as_server(Command::new("cp").arg("-r").args([&from, &to])).status().unwrap();
        assert!(copy.success());
        let stopped = client.query_one("SELECT labelfile FROM pg_backup_stop(false)", &[]).await.unwrap();
        session.close().await;
        let label = to.join("backup_label");
        fs::write(&label, stopped.get::<_, String>(0)).unwrap();
        if let Some((uid, gid)) = account() {
            chown(&label, Some(uid), Some(gid)).unwrap();
        }
        fs::remove_file(to.join("postmaster.pid")).unwrap();
        let primary = format!(
            "primary_conninfo=host={} port=5432 user=postgres application_name=follower",
            self.folder.display()
        );
        let options = scratch_options(None, Programs::Installed);
        Self::begin_in(folder, &options, "standby.signal", &[&primary]).await
    }

    async fn begin(major: Option<u16>, signal: &str, settings: &[&str]) -> Self {
        let options = scratch_options(major, Programs::Installed);
        Self::begin_in(new_folder(), &options, signal, settings).await
    }

    async fn begin_in(folder: PathBuf, options: &ScratchOptions, signal: &str, settings: &[&str]) -> Self {
        let scratch = Scratch::open(options, &|_| {}).await.unwrap();
        let mut command = Command::new("/bin/sh");
        command
            .args(["-c", KEEPER, "keeper"])
            .arg(&scratch.binaries().unwrap().directory)
            .arg(&folder)
            .arg(signal);
        for setting in settings {
            command.args(["-c", setting]);
        }
        let keeper = as_server(&mut command).stdin(Stdio::piped()).process_group(0).spawn().unwrap();
        let target = Target::socket(&folder, 5432, "postgres", "postgres");
        let server = Self { target, folder, keeper };
        server.running().await.close().await;
        scratch.close().await.unwrap();
        server
    }

    /// Waits until somebody may connect.
    async fn running(&self) -> Session {
        let began = std::time::Instant::now();
        loop {
            match Session::connect(&self.target).await {
                Ok(session) => return session,
                Err(error) => {
                    let log = fs::read_to_string(self.folder.join("log")).unwrap_or_default();
                    assert!(began.elapsed().as_secs() < 30, "{error}: {log}");
                    tokio::task::yield_now().await;
                }
            }
        }
    }

    /// Runs SQL there, as a superuser; each statement by itself.
    pub async fn execute(&self, sql: &str) {
        let session = self.running().await;
        for statement in sql.split(';') {
            session.client().batch_execute(statement).await.unwrap();
        }
        session.close().await;
    }

    /// Shuts it down in immediate mode, as a crash would, and starts it again.
    pub async fn crash(&self) {
        self.restart("").await;
    }

    /// Starts it again with other programs of its major version, as an update does.
    pub async fn update(&self, programs: Programs) {
        let major = self.running().await.major();
        let scratch = Scratch::open(&scratch_options(Some(major), programs), &|_| {}).await.unwrap();
        let directory = scratch.binaries().unwrap().directory.display().to_string();
        scratch.close().await.unwrap();
        self.restart(&directory).await;
    }

    async fn restart(&self, programs: &str) {
        let started = async |session: Session| {
            let query = "SELECT pg_postmaster_start_time()::text";
            let row = session.client().query_one(query, &[]).await.ok();
            session.close().await;
            row.map(|row| row.get::<_, String>(0))
        };
        let before = started(self.running().await).await;
        let mut keeper = self.keeper.stdin.as_ref().unwrap();
        keeper.write_all(format!("{programs}\n").as_bytes()).unwrap();
        loop {
            let now = started(self.running().await).await;
            if now.is_some() && now != before {
                break;
            }
        }
    }
}

impl Drop for OwnServer {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        let _ = self.keeper.wait();
    }
}
