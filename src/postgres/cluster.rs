//! A cluster of our own: made from a template, watched by a keeper, gone with its owner.
//!
//! The keeper is a small shell process (`keeper.sh`) in a process group of its own. It holds the reading end of a
//! pipe; when the writing end closes, because the owner closed it, panicked or was killed, it stops the server and
//! removes its directory. Between the two, a process of `sandbox` separates the server from the machine.

use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};

use super::binaries::{self, Binaries};
use super::error::ConnectError;
use super::options::ScratchOptions;
use super::sandbox::Sandbox;
use super::scratch_error::ScratchError;
use super::session::Session;
use super::target::Target;

const KEEPER: &str = include_str!("keeper.sh");

/// The name of the superuser of every cluster of ours, as long as nobody else is to have it.
pub(super) const SUPERUSER: &str = "postgres";
/// The name that it has then.
pub(super) const SUPERUSER_ASIDE: &str = "trueup_superuser";

/// How a server that nobody will miss is started: nothing has to survive it, and nothing may happen by itself.
const SETTINGS: &[&str] = &[
    "listen_addresses=",
    "fsync=off",
    "full_page_writes=off",
    "synchronous_commit=off",
    "autovacuum=off",
    "wal_level=minimal",
    // what a transaction made is synced at its end instead of written twice, and syncing does nothing here
    "wal_skip_threshold=0",
    "max_wal_senders=0",
    "max_wal_size=4GB",
    "checkpoint_timeout=1h",
    "max_connections=50",
    "max_locks_per_transaction=1000",
    // every backend maps what it touches of it
    "shared_buffers=16MB",
    "jit=off",
    // Shared memory as files of the data directory, so that removing that removes everything.
    "dynamic_shared_memory_type=mmap",
    "logging_collector=off",
    "unix_socket_permissions=0700",
    "timezone=UTC",
    "log_timezone=UTC",
    "lc_messages=C",
];

/// What has to be said since 18: workers that read ahead for others cost more than they bring where all is in memory.
const SINCE_18: &[&str] = &["io_method=sync"];

/// A user other than root, as whom PostgreSQL's programs are run: they refuse root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Account {
    pub uid: u32,
    pub gid: u32,
    pub name: String,
}

/// The user ids that nobody has for long (systemd, "Users, Groups, UIDs and GIDs": dynamic service users).
const FOR_ONE_RUN: std::ops::RangeInclusive<u32> = 61184..=65519;

impl Account {
    /// Nobody special unless this is root: then the first of the usual unprivileged users that there is. Not `postgres`, who
    /// is a superuser of other servers.
    pub(super) fn for_programs() -> Result<Option<Self>, ScratchError> {
        if !nix::unistd::geteuid().is_root() {
            return Ok(None);
        }
        for name in ["nobody", "daemon"] {
            if let Ok(Some(user)) = nix::unistd::User::from_name(name)
                && !user.uid.is_root()
            {
                let (uid, gid) = (user.uid.as_raw(), user.gid.as_raw());
                return Ok(Some(Self { uid, gid, name: user.name }));
            }
        }
        Err(ScratchError::NoAccount)
    }

    /// Ids for one server, which no user has.
    fn for_one_run() -> u32 {
        let taken = |id: u32| matches!(nix::unistd::User::from_uid(id.into()), Ok(Some(_)));
        let ids = std::iter::repeat_with(|| rand::random_range(FOR_ONE_RUN));
        ids.into_iter().take(100).find(|id| !taken(*id)).unwrap_or(*FOR_ONE_RUN.end())
    }
}

fn run_as(command: &mut Command, account: Option<&Account>) {
    if let Some(account) = account {
        // Setting the user in a child of root also drops root's supplementary groups.
        command.uid(account.uid).gid(account.gid);
    }
}

/// A running cluster. Dropping it stops and removes it, and waits for that.
#[derive(Debug)]
pub(super) struct Cluster {
    keeper: Child,
    directory: PathBuf,
    sandbox: Sandbox,
}

impl Cluster {
    /// Starts a copy of the template and waits until it answers; hands over the first session as superuser.
    pub(super) async fn start(
        binaries: &Binaries,
        template: &Path,
        options: &ScratchOptions,
        account: Option<&Account>,
    ) -> Result<(Self, Target, Session), ScratchError> {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", KEEPER, "trueup-keeper"]);
        command.arg(&options.run_dir).arg(template).arg(&binaries.directory);
        match (&options.launcher, account) {
            (Some(launcher), Some(_)) => {
                let id = Account::for_one_run();
                command.arg(format!("{id}:{id}")).arg(launcher);
            }
            (Some(launcher), None) => _ = command.arg("-").arg(launcher),
            (None, _) => {
                command.args(["-", ""]);
                run_as(&mut command, account);
            }
        }
        command.arg(if options.untrusted { "strict" } else { "-" });
        let newer = if binaries.major >= 18 { SINCE_18 } else { &[] };
        for setting in SETTINGS.iter().chain(newer) {
            command.args(["-c", setting]);
        }
        command.env_clear().env("LC_ALL", "C").env("TZ", "UTC").env("PATH", "/usr/bin:/bin").current_dir("/");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).process_group(0);
        let mut keeper = command.spawn().map_err(|source| ScratchError::Run { what: "/bin/sh", source })?;
        let mut lines = BufReader::new(keeper.stdout.take().ok_or(ScratchError::KeeperSilent)?).lines();
        let mut cluster = Self { keeper, directory: PathBuf::new(), sandbox: Sandbox::None };
        for line in &mut lines {
            let line = line.map_err(|source| ScratchError::Run { what: "/bin/sh", source })?;
            match line.split_once(' ').unwrap_or((&line, "")) {
                ("dir", path) => cluster.directory = PathBuf::from(path),
                ("failed", reason) => return Err(ScratchError::Start { reason: reason.to_owned() }),
                _ => break,
            }
        }
        if cluster.directory.as_os_str().is_empty() {
            return Err(ScratchError::KeeperSilent);
        }
        let target = Target::socket(&cluster.directory, 5432, SUPERUSER, SUPERUSER);
        let session = cluster.wait_until_ready(&target).await?;
        cluster.sandbox = Sandbox::of(&cluster.directory);
        Ok((cluster, target, session))
    }

    async fn wait_until_ready(&self, target: &Target) -> Result<Session, ScratchError> {
        let began = Instant::now();
        loop {
            match Session::connect(target).await {
                Ok(session) => return Ok(session),
                Err(
                    ConnectError::NoSocket { .. }
                    | ConnectError::Refused { .. }
                    | ConnectError::Unavailable { .. },
                ) if began.elapsed() < Duration::from_secs(30) => {}
                Err(error) => {
                    return Err(failed_to_start(self.last_words().unwrap_or_else(|| error.to_string())));
                }
            }
            if began.elapsed() > Duration::from_secs(1)
                && let Some(reason) = self.last_words()
            {
                return Err(failed_to_start(reason));
            }
            tokio::time::sleep(Duration::from_millis(4)).await;
        }
    }

    /// The server's own reason for not starting.
    fn last_words(&self) -> Option<String> {
        let log = std::fs::read_to_string(self.directory.join("log")).ok()?;
        let fatal =
            log.lines().find_map(|line| line.split_once("FATAL:").or_else(|| line.split_once("PANIC:")));
        fatal.map(|(_, reason)| reason.trim().to_owned()).or_else(|| {
            // Before it can write a log line, the loader may have failed.
            let failed = |line: &&str| line.contains("postgres:") || line.starts_with("sandbox: ");
            log.lines().next().filter(failed).map(str::to_owned)
        })
    }

    /// The private directory, with the socket in it.
    pub(super) fn directory(&self) -> &Path {
        &self.directory
    }

    /// What separates the server from the machine.
    pub(super) fn sandbox(&self) -> Sandbox {
        self.sandbox
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        if let Err(error) = self.keeper.wait() {
            tracing::warn!("the keeper of the throwaway server: {error}");
        }
    }
}

fn failed_to_start(reason: String) -> ScratchError {
    match reason.strip_prefix("sandbox: the kernel refuses namespaces: ") {
        Some(why) => ScratchError::NoNamespaces { why: why.to_owned() },
        None => ScratchError::Start { reason },
    }
}

/// The data directory that clusters of these programs are copied from. Made once.
pub(super) fn template(
    binaries: &Binaries,
    cache: &Path,
    account: Option<&Account>,
    progress: &dyn Fn(&str),
) -> Result<PathBuf, ScratchError> {
    let templates = cache.join("templates");
    let key: [u8; 32] = Sha256::digest(format!(
        "{}\n{}\n{}",
        binaries.directory.display(),
        binaries.version,
        nix::unistd::geteuid()
    ))
    .into();
    let key = key.first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes));
    let template = templates.join(format!("{}-{key:016x}", binaries.major));
    if template.join("PG_VERSION").exists() {
        return Ok(template);
    }
    progress(&format!("initialising a PostgreSQL {} cluster (once)", binaries.major));
    let cannot = |source| ScratchError::Cache { path: templates.clone(), source };
    make_folder(&templates).map_err(cannot)?;
    remove_unfinished(&templates);
    // Made beside its final place and renamed, so that another trueup never sees half of one.
    let unfinished = tempfile::Builder::new().prefix(UNFINISHED).tempdir_in(&templates).map_err(cannot)?;
    if let Some(account) = account {
        std::os::unix::fs::chown(unfinished.path(), Some(account.uid), Some(account.gid)).map_err(cannot)?;
    }
    let data = unfinished.path().join("data");
    let mut command = binaries::command(&binaries.directory, "initdb");
    command.args(["--no-sync", "--no-instructions", "--auth=trust", "--encoding=UTF8", "--locale=C"]);
    if binaries.major >= 18 {
        // the default since then, and only work for what lives for seconds in memory
        command.arg("--no-data-checksums");
    }
    command.arg(format!("--username={SUPERUSER}")).arg("--wal-segsize=1").arg("--pgdata").arg(&data);
    run_as(&mut command, account);
    let output = command.output().map_err(|source| ScratchError::Run { what: "initdb", source })?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let line = said.lines().find(|line| line.contains("error:")).or(said.lines().next());
        let reason = line.unwrap_or("initdb failed without a word").to_owned();
        return Err(ScratchError::Initdb { directory: binaries.directory.clone(), reason });
    }
    if account.is_some() {
        // first what leads to it, so that its user cannot exchange anything meanwhile
        std::os::unix::fs::chown(unfinished.path(), Some(0), Some(0)).map_err(cannot)?;
        std::fs::set_permissions(unfinished.path(), std::fs::Permissions::from_mode(0o700))
            .map_err(cannot)?;
        belong_to_root(&data).map_err(cannot)?;
    }
    match std::fs::rename(&data, &template) {
        Ok(()) => {}
        // Somebody else was faster.
        Err(_) if template.join("PG_VERSION").exists() => {}
        Err(source) => return Err(cannot(source)),
    }
    Ok(template)
}

/// Makes a template root's own, which servers of any user may copy.
fn belong_to_root(path: &Path) -> std::io::Result<()> {
    let kind = std::fs::symlink_metadata(path)?.file_type();
    if !kind.is_dir() && !kind.is_file() {
        return Err(std::io::Error::other(format!("{} is no file that initdb makes", path.display())));
    }
    std::os::unix::fs::lchown(path, Some(0), Some(0))?;
    let is_folder = kind.is_dir();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(if is_folder { 0o755 } else { 0o644 }))?;
    if is_folder {
        for entry in std::fs::read_dir(path)? {
            belong_to_root(&entry?.path())?;
        }
    }
    Ok(())
}

/// How the name of a folder begins that is not complete yet.
pub(super) const UNFINISHED: &str = ".new-";

/// Removes what a process that was killed began in the cache long ago.
pub(super) fn remove_unfinished(folder: &Path) {
    const LONG: Duration = Duration::from_secs(3600);
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let old = || entry.metadata().ok()?.modified().ok()?.elapsed().ok();
        if entry.file_name().as_encoded_bytes().starts_with(UNFINISHED.as_bytes())
            && old().is_some_and(|age| age > LONG)
            && let Err(error) = std::fs::remove_dir_all(entry.path())
        {
            tracing::debug!("{}: {error}", entry.path().display());
        }
    }
}

/// Makes a folder of the cache, and those above it, so that the server's user can enter them whatever the umask is.
pub(super) fn make_folder(folder: &Path) -> std::io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    if let Some(above) = folder.parent() {
        make_folder(above)?;
    }
    match std::fs::create_dir(folder) {
        Ok(()) => std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o755)),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
}
