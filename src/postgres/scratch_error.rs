//! Why there is no throwaway server, in a line, and what to do about it.

use std::path::PathBuf;

use super::error::ConnectError;

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
    /// A role of live has the name of the throwaway server's superuser.
    #[error("role {0} has the name that the throwaway server's own superuser has")]
    SuperusersName(String),
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
    /// Somebody else could put programs into the cache.
    #[error("the cache {} could hold what somebody else put there: {why}", path.display())]
    CacheNotOurs {
        /// The folder.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// The server was to run in namespaces of its own, and the kernel refuses them.
    #[error("SQL that is not trusted needs a throwaway server in namespaces of its own: {why}")]
    NoNamespaces {
        /// The kernel's words.
        why: String,
    },
    /// There is no unprivileged user to run the server as.
    #[error("PostgreSQL does not run as root, and there is neither a user nobody nor daemon")]
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
    /// What was downloaded is not what it should be.
    #[error("{url} is not what {by}: its SHA-512 differs; nothing was kept")]
    Checksum {
        /// From where.
        url: String,
        /// Who says what it should be.
        by: &'static str,
    },
    /// This release knows no package of the major version.
    #[error("this release of trueup knows no download of PostgreSQL {major} for {platform}")]
    Unpinned {
        /// The major version.
        major: u16,
        /// The platform.
        platform: String,
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
            Self::SuperusersName(_) => "rename the role, or name a running server with --shadow-url",
            Self::Unsupported(_) => "trueup works with PostgreSQL 14 to 18",
            Self::Run { .. } | Self::KeeperSilent | Self::Start { .. } | Self::Initdb { .. } => {
                "repair or install that PostgreSQL, or name a running server with --shadow-url"
            }
            Self::Cache { .. } => "free space there, or name another folder with TRUEUP_CACHE_DIR",
            Self::CacheUnreachable { .. } => "name a folder that every user can enter with TRUEUP_CACHE_DIR",
            Self::CacheNotOurs { .. } => {
                "look at what is in it and remove it, or name another folder with TRUEUP_CACHE_DIR"
            }
            Self::NoNamespaces { .. } => {
                "run as root or where users may create namespaces (Ubuntu: sysctl kernel.apparmor_restrict_unprivileged_userns=0)"
            }
            Self::Unpinned { .. } => {
                "install that PostgreSQL, or download the newest that the registry has with --allow-unpinned"
            }
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

pub(super) fn words(error: &tokio_postgres::Error) -> String {
    error.as_db_error().map_or_else(|| error.to_string(), |db| db.message().to_owned())
}

fn of_major(major: Option<u16>) -> String {
    major.map(|major| format!(" {major}")).unwrap_or_default()
}
