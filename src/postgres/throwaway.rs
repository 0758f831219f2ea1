//! A server to rehearse on, with databases like live's, and nothing left of either afterwards.
//!
//! Where it comes from, in this order: the server behind `--shadow-url`; programs on this machine of the wanted
//! major version; programs downloaded once into the cache.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
#[cfg(target_os = "linux")]
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use tokio_postgres::SimpleQueryMessage;
use tokio_postgres::error::SqlState;

use super::binaries::{self, Binaries};
use super::cluster::{self, Account, Cluster};
use super::download;
use super::error::ConnectError;
use super::locale::DatabaseSettings;
use super::session::Session;
use super::shadow::Shadow;
use super::target::Target;
use crate::sql;

/// Why there is no throwaway server, or none any more.
#[derive(Debug, thiserror::Error)]
pub enum ScratchError {
    /// It does not answer, or not to us.
    #[error("throwaway server: {0}")]
    Connect(#[from] ConnectError),
    /// It answered a statement with an error.
    #[error("throwaway server: {what}: {}", words(source))]
    Query {
        /// What was tried.
        what: String,
        /// The server's error.
        source: tokio_postgres::Error,
    },
    /// The server behind the shadow URL has another major version than live.
    #[error("the shadow server {place} has PostgreSQL {found}, and {wanted} is needed")]
    ShadowMajor {
        /// Where it is.
        place: String,
        /// Its major version.
        found: u16,
        /// The one of live.
        wanted: u16,
    },
    /// The role on the shadow server may not create databases.
    #[error("the role of the shadow server {place} may not create databases")]
    ShadowPrivilege {
        /// Where it is.
        place: String,
    },
    /// A major version that is not supported.
    #[error("PostgreSQL {0} is not supported")]
    Unsupported(u16),
    /// A program of ours or of PostgreSQL cannot be started.
    #[error("cannot run {what}: {source}")]
    Run {
        /// The program.
        what: &'static str,
        /// What the system said.
        source: std::io::Error,
    },
    /// `initdb` failed.
    #[error("{}/initdb: {reason}", directory.display())]
    Initdb {
        /// Where the programs are.
        directory: PathBuf,
        /// Its own words.
        reason: String,
    },
    /// The server did not come up.
    #[error("the throwaway server does not start: {reason}")]
    Start {
        /// Its own words.
        reason: String,
    },
    /// The keeper ended before it said anything.
    #[error("the keeper of the throwaway server ended before it started one")]
    KeeperSilent,
    /// The cache cannot be written.
    #[error("cannot write the cache {}: {source}", path.display())]
    Cache {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The cache is where the server's unprivileged user cannot reach it.
    #[error("the user {user} cannot reach the cache {}", path.display())]
    CacheUnreachable {
        /// The user.
        user: String,
        /// The folder.
        path: PathBuf,
    },
    /// There is no unprivileged user to run the server as.
    #[error("PostgreSQL does not run as root, and there is neither a user postgres nor nobody")]
    NoAccount,
    /// There are no programs on this machine, and none may be downloaded.
    #[error("there is no PostgreSQL{} on this machine", of_major(*major))]
    NotInstalled {
        /// The wanted major version.
        major: Option<u16>,
    },
    /// The download failed.
    #[error("cannot download PostgreSQL{} from {url}: {problem}", of_major(*major))]
    Download {
        /// The wanted major version.
        major: Option<u16>,
        /// From where.
        url: String,
        /// What went wrong.
        problem: String,
    },
    /// What was downloaded is not what the registry announced.
    #[error("{url} is not what the registry announced: its SHA-512 differs; nothing was kept")]
    Checksum {
        /// From where.
        url: String,
    },
}

impl ScratchError {
    /// What to do next, in one sentence.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Connect(error) => error.hint(),
            Self::Query { .. } => "try again with -v, which shows the server's whole answer",
            Self::ShadowMajor { .. } => "name a server of the same major version, or leave --shadow-url away",
            Self::ShadowPrivilege { .. } => "ALTER ROLE … CREATEDB, or leave --shadow-url away",
            Self::Unsupported(_) => "trueup works with PostgreSQL 14 to 18",
            Self::Run { .. } | Self::KeeperSilent | Self::Start { .. } | Self::Initdb { .. } => {
                "repair or install that PostgreSQL, or name a running server with --shadow-url"
            }
            Self::Cache { .. } => "free space there, or name another folder with TRUEUP_CACHE_DIR",
            Self::CacheUnreachable { .. } => "name a folder that every user can enter with TRUEUP_CACHE_DIR",
            Self::NoAccount => "run as an ordinary user, or name a running server with --shadow-url",
            Self::NotInstalled { .. } | Self::Download { .. } => {
                "install that PostgreSQL (Debian: postgresql-N), or name a running server with --shadow-url"
            }
            Self::Checksum { .. } => {
                "try again; if it stays so, the registry or the way to it is not to be trusted"
            }
        }
    }
}

fn words(error: &tokio_postgres::Error) -> String {
    error.as_db_error().map_or_else(|| error.to_string(), |db| db.message().to_owned())
}

fn of_major(major: Option<u16>) -> String {
    major.map(|major| format!(" {major}")).unwrap_or_default()
}

/// Where a throwaway server may come from.
#[derive(Debug, Clone)]
pub struct ScratchOptions {
    /// The major version; without one the newest local one, else the newest to download.
    pub major: Option<u16>,
    /// A server to use instead of one of our own.
    pub shadow: Option<Target>,
    /// The command that cleans up on the shadow server after this process was killed: it is given a pipe and calls
    /// [`keep_shadow`](super::keep_shadow). Without it the next user of that server cleans up.
    pub shadow_keeper: Option<Vec<OsString>>,
    /// Directories that may hold PostgreSQL's programs: [`binaries::search_dirs`], or none to hide what is local.
    pub search_dirs: Vec<PathBuf>,
    /// Where downloads and templates are kept.
    pub cache_dir: PathBuf,
    /// Where the private directory of a running server is made. Short, since a socket's path may have 107 bytes.
    pub run_dir: PathBuf,
    /// The registry to download from; `None` to download nothing.
    pub registry: Option<String>,
}

impl ScratchOptions {
    /// Options from the environment: `PATH`, `TRUEUP_CACHE_DIR` (else the user's cache), `TRUEUP_NPM_REGISTRY`
    /// (empty: download nothing). `env` looks up a variable.
    pub fn from_env(env: &dyn Fn(&str) -> Option<OsString>) -> Self {
        let registry = match env("TRUEUP_NPM_REGISTRY").and_then(|url| url.into_string().ok()) {
            None => Some(download::REGISTRY.to_owned()),
            Some(url) if url.is_empty() => None,
            Some(url) => Some(url.trim_end_matches('/').to_owned()),
        };
        Self {
            major: None,
            shadow: None,
            shadow_keeper: None,
            search_dirs: binaries::search_dirs(env("PATH").as_deref().map(OsStr::new)),
            cache_dir: cache_dir(env),
            run_dir: run_dir(),
            registry,
        }
    }

    /// The same for another major version.
    #[must_use]
    pub fn with_major(self, major: u16) -> Self {
        Self { major: Some(major), ..self }
    }
}

/// In memory if there is plenty: making a cluster's thousand files takes a tenth of a second there, and half of one on
/// a busy disk. Containers have little there by default.
#[cfg(target_os = "linux")]
fn run_dir() -> PathBuf {
    const PLENTY: u64 = 2 << 30;
    let memory = Path::new("/dev/shm");
    let room = nix::sys::statvfs::statvfs(memory)
        .map_or(0, |stat| stat.blocks_available().saturating_mul(stat.fragment_size()));
    let for_all = std::fs::metadata(memory).is_ok_and(|meta| meta.permissions().mode() & 0o1777 == 0o1777);
    if room >= PLENTY && for_all { memory.to_owned() } else { PathBuf::from("/tmp") }
}

#[cfg(not(target_os = "linux"))]
fn run_dir() -> PathBuf {
    PathBuf::from("/tmp")
}

/// As root a place that the server's unprivileged user can enter, else where users' caches are.
fn cache_dir(env: &dyn Fn(&str) -> Option<OsString>) -> PathBuf {
    let dir = |name: &str| env(name).map(PathBuf::from).filter(|path| path.is_absolute());
    if let Some(dir) = dir("TRUEUP_CACHE_DIR") {
        dir
    } else if nix::unistd::geteuid().is_root() {
        PathBuf::from("/var/cache/trueup")
    } else if let Some(cache) = dir("XDG_CACHE_HOME") {
        cache.join("trueup")
    } else if let Some(home) = dir("HOME") {
        home.join(if cfg!(target_os = "macos") { "Library/Caches/trueup" } else { ".cache/trueup" })
    } else {
        PathBuf::from("/tmp").join(format!("trueup-cache-{}", nix::unistd::geteuid()))
    }
}

/// A server whose databases nobody will miss.
///
/// [`Scratch::close`] removes everything and says if that failed. Without it, dropping this stops a server of our
/// own just the same; on a shadow server the databases are dropped by the keeper, or by the next user.
#[derive(Debug)]
pub struct Scratch {
    /// As superuser (on a shadow server: as the role of its URL), in the maintenance database.
    admin: Session,
    target: Target,
    system_identifier: String,
    made: Cell<u32>,
    databases: RefCell<BTreeSet<String>>,
    roles: RefCell<BTreeSet<String>>,
    origin: Origin,
}

#[derive(Debug)]
enum Origin {
    Cluster(Cluster, Binaries),
    Shadow(Shadow),
}

impl Scratch {
    /// Opens one. `progress` is told, in a few words each, about what takes longer: downloads, the first `initdb`.
    pub async fn open(options: &ScratchOptions, progress: &dyn Fn(&str)) -> Result<Self, ScratchError> {
        if let Some(major) = options.major.filter(|major| !binaries::SUPPORTED.contains(major)) {
            return Err(ScratchError::Unsupported(major));
        }
        if let Some(target) = &options.shadow {
            let admin = Session::connect(target).await?;
            if let Some(wanted) = options.major.filter(|major| *major != admin.major()) {
                let place = admin.place().to_owned();
                return Err(ScratchError::ShadowMajor { place, found: admin.major(), wanted });
            }
            let shadow = Shadow::open(&admin, options.shadow_keeper.as_deref()).await?;
            return Self::on(admin, target.clone(), Origin::Shadow(shadow)).await;
        }
        let account = Account::for_server()?;
        reachable(&options.cache_dir, account.as_ref())?;
        let mut failed = None;
        for found in binaries::find(options.major, &options.search_dirs) {
            match Self::start(found, options, account.as_ref(), progress).await {
                Ok(scratch) => return Ok(scratch),
                // An installation may be broken or incomplete; another one may do.
                Err(error @ (ScratchError::Initdb { .. } | ScratchError::Start { .. })) => {
                    tracing::debug!("{error}");
                    failed = failed.or(Some(error));
                }
                Err(error) => return Err(error),
            }
        }
        match download::binaries(options, progress) {
            Ok(found) => Self::start(found, options, account.as_ref(), progress).await,
            Err(error) => Err(failed.unwrap_or(error)),
        }
    }

    async fn start(
        found: Binaries,
        options: &ScratchOptions,
        account: Option<&Account>,
        progress: &dyn Fn(&str),
    ) -> Result<Self, ScratchError> {
        let template = cluster::template(&found, &options.cache_dir, account, progress)?;
        let (cluster, target, admin) = Cluster::start(&found, &template, &options.run_dir, account).await?;
        Self::on(admin, target, Origin::Cluster(cluster, found)).await
    }

    async fn on(admin: Session, target: Target, origin: Origin) -> Result<Self, ScratchError> {
        const IDENTIFIER: &str = "SELECT system_identifier FROM pg_catalog.pg_control_system()";
        let system_identifier = value(&admin, IDENTIFIER).await?.unwrap_or_default();
        Ok(Self {
            admin,
            target,
            system_identifier,
            made: Cell::new(0),
            databases: RefCell::default(),
            roles: RefCell::default(),
            origin,
        })
    }

    /// The server as the role that made the databases, which is a superuser unless a shadow URL says otherwise.
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// The session that makes the databases.
    pub fn admin(&self) -> &Session {
        &self.admin
    }

    /// The server's major version.
    pub fn major(&self) -> u16 {
        self.admin.major()
    }

    /// The cluster's identifier: what tells a scratch server from live.
    pub fn system_identifier(&self) -> &str {
        &self.system_identifier
    }

    /// Where the server comes from, for people to read.
    pub fn describe(&self) -> String {
        match &self.origin {
            Origin::Cluster(_, binaries) => {
                format!("PostgreSQL {} from {}", binaries.version, binaries.directory.display())
            }
            Origin::Shadow(_) => format!("shadow server {}", self.admin.place()),
        }
    }

    /// Whether this is somebody else's server, where other databases and roles are to be left alone.
    pub fn is_shadow(&self) -> bool {
        matches!(self.origin, Origin::Shadow(_))
    }

    /// The programs of a server of our own.
    pub fn binaries(&self) -> Option<&Binaries> {
        match &self.origin {
            Origin::Cluster(_, binaries) => Some(binaries),
            Origin::Shadow(_) => None,
        }
    }

    /// The private directory of a server of our own: its socket and its log are there.
    pub fn directory(&self) -> Option<&Path> {
        match &self.origin {
            Origin::Cluster(cluster, _) => Some(cluster.directory()),
            Origin::Shadow(_) => None,
        }
    }

    /// Makes an empty database with these settings and connects to it.
    pub async fn create_database(
        &self,
        settings: &DatabaseSettings,
    ) -> Result<ScratchDatabase, ScratchError> {
        let number = self.made.get() + 1;
        self.made.set(number);
        let name = match &self.origin {
            Origin::Cluster(..) => format!("scratch_{number}"),
            Origin::Shadow(shadow) => shadow.database(number),
        };
        let mut fallback = None;
        let major = self.major();
        self.databases.borrow_mut().insert(name.clone());
        if let Err(error) = self.admin.client().batch_execute(&settings.create(&name, major)).await {
            if !is_about_locale(&error) {
                return Err(ScratchError::Query { what: format!("create database {name}"), source: error });
            }
            let mut plain = settings.with_plain_locale();
            let mut result = self.admin.client().batch_execute(&plain.create(&name, major)).await;
            if result.is_err() && plain.locale_provider != "libc" {
                plain = plain.with_plain_locale();
                result = self.admin.client().batch_execute(&plain.create(&name, major)).await;
            }
            result
                .map_err(|source| ScratchError::Query { what: format!("create database {name}"), source })?;
            fallback = Some(words(&error));
        }
        let session = Session::connect(&self.target.with_database(&name)).await?;
        Ok(ScratchDatabase { name, session, locale_fallback: fallback })
    }

    /// Drops a database before the end.
    pub async fn drop_database(&self, database: ScratchDatabase) -> Result<(), ScratchError> {
        let ScratchDatabase { name, session, .. } = database;
        session.close().await;
        self.drop_by_name(&name).await
    }

    async fn drop_by_name(&self, name: &str) -> Result<(), ScratchError> {
        let statement = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", sql::ident(name));
        let result = self.admin.client().batch_execute(&statement).await;
        result.map_err(|source| ScratchError::Query { what: format!("drop database {name}"), source })?;
        self.databases.borrow_mut().remove(name);
        Ok(())
    }

    /// Makes a role that may not log in, unless there is one of that name; it is dropped at the end. Says whether
    /// it was made.
    pub async fn create_role(&self, name: &str) -> Result<bool, ScratchError> {
        let role = sql::ident(name);
        match self.admin.client().batch_execute(&format!("CREATE ROLE {role} NOLOGIN")).await {
            Ok(()) => {}
            Err(error) if error.code() == Some(&SqlState::DUPLICATE_OBJECT) => return Ok(false),
            Err(source) => return Err(ScratchError::Query { what: format!("create role {name}"), source }),
        }
        self.track_role(name);
        if let Origin::Shadow(shadow) = &self.origin {
            shadow.mark_role(&self.admin, name).await?;
        }
        Ok(true)
    }

    /// Drops this role at the end, too. For roles that were made by other means than [`Scratch::create_role`].
    pub fn track_role(&self, name: &str) {
        self.roles.borrow_mut().insert(name.to_owned());
    }

    /// Drops the databases and the tracked roles, and stops the server if it is ours. Sessions on it end.
    pub async fn close(self) -> Result<(), ScratchError> {
        if let Origin::Shadow(_) = self.origin {
            let databases = self.databases.borrow().clone();
            for name in databases {
                self.drop_by_name(&name).await?;
            }
            let roles = self.roles.borrow().clone();
            for name in roles {
                let statement = format!("DROP ROLE IF EXISTS {}", sql::ident(&name));
                match self.admin.client().batch_execute(&statement).await {
                    // Another scratch on the same server uses it meanwhile, and will leave it to the next.
                    Err(error) if error.code() == Some(&SqlState::DEPENDENT_OBJECTS_STILL_EXIST) => {}
                    Err(source) => {
                        return Err(ScratchError::Query { what: format!("drop role {name}"), source });
                    }
                    Ok(()) => {}
                }
            }
        }
        let Self { admin, origin, .. } = self;
        admin.close().await;
        drop(origin);
        Ok(())
    }
}

/// One value of one row, as text.
pub(super) async fn value(session: &Session, query: &str) -> Result<Option<String>, ScratchError> {
    let messages = session.client().simple_query(query).await;
    let messages = messages.map_err(|source| ScratchError::Query { what: query.to_owned(), source })?;
    Ok(messages.iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
        _ => None,
    }))
}

/// The server's operating system, or its build, does not have the locale.
fn is_about_locale(error: &tokio_postgres::Error) -> bool {
    let Some(db) = error.as_db_error() else { return false };
    let message = db.message();
    [SqlState::WRONG_OBJECT_TYPE, SqlState::INVALID_PARAMETER_VALUE, SqlState::FEATURE_NOT_SUPPORTED]
        .contains(db.code())
        && ["locale", "collation", "ICU"].iter().any(|word| message.contains(word))
}

fn reachable(cache: &Path, account: Option<&Account>) -> Result<(), ScratchError> {
    use std::os::unix::fs::MetadataExt;
    let Some(account) = account else { return Ok(()) };
    cluster::make_folder(cache).map_err(|source| ScratchError::Cache { path: cache.to_owned(), source })?;
    let enter = |dir: &Path| {
        std::fs::metadata(dir).is_ok_and(|meta| {
            let (owner, group) = (meta.uid() == account.uid, meta.gid() == account.gid);
            let bit = if owner {
                0o100
            } else if group {
                0o010
            } else {
                0o001
            };
            meta.mode() & bit != 0
        })
    };
    if cache.ancestors().filter(|dir| !dir.as_os_str().is_empty()).all(enter) {
        return Ok(());
    }
    Err(ScratchError::CacheUnreachable { user: account.name.clone(), path: cache.to_owned() })
}

/// A database on a scratch server, and a session in it.
#[derive(Debug)]
pub struct ScratchDatabase {
    name: String,
    session: Session,
    locale_fallback: Option<String>,
}

impl ScratchDatabase {
    /// The session.
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// The session for what needs it mutable.
    pub fn session_mut(&mut self) -> &mut Session {
        &mut self.session
    }

    /// The database's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where it is, for further sessions.
    pub fn target(&self) -> &Target {
        self.session.target()
    }

    /// The server's words, if the locale asked for is not installed there and a plain one was taken instead.
    pub fn locale_fallback(&self) -> Option<&str> {
        self.locale_fallback.as_deref()
    }
}
