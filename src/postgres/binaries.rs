//! Where PostgreSQL's programs are on this machine.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The programs of one installation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binaries {
    /// The directory with `initdb` and `postgres`.
    pub directory: PathBuf,
    /// The major version, as in 15.
    pub major: u16,
    /// The version as the server writes it, as in `15.14 (Debian 15.14-0+deb12u1)`.
    pub version: String,
}

/// Places that hold one installation for each major version; `{}` is that version.
const PLACES: &[&str] = &[
    "/usr/lib/postgresql/{}/bin",
    "/usr/pgsql-{}/bin",
    "/usr/lib/postgresql{}/bin",
    "/usr/libexec/postgresql{}",
    "/opt/homebrew/opt/postgresql@{}/bin",
    "/usr/local/opt/postgresql@{}/bin",
    "/home/linuxbrew/.linuxbrew/opt/postgresql@{}/bin",
    "/usr/local/pgsql/bin",
    "/Applications/Postgres.app/Contents/Versions/{}/bin",
];

/// The majors that trueup works with, newest first.
pub const SUPPORTED: [u16; 5] = [18, 17, 16, 15, 14];

/// The directories where installations may be: those of `path` (the contents of `PATH`), what its `pg_config` names,
/// and where packages put them.
pub fn search_dirs(path: Option<&OsStr>) -> Vec<PathBuf> {
    let mut dirs: Vec<PathBuf> = Vec::new();
    for dir in path.map(std::env::split_paths).into_iter().flatten().filter(|dir| dir.is_absolute()) {
        if let Some(real) = real_dir(&dir) {
            dirs.push(real);
        }
        let config = dir.join("pg_config");
        if config.is_file()
            && let Some(bin) = output(Command::new(config).arg("--bindir"))
        {
            dirs.push(PathBuf::from(bin));
        }
    }
    for place in PLACES {
        dirs.extend(SUPPORTED.iter().map(|major| PathBuf::from(place.replace("{}", &major.to_string()))));
    }
    let mut seen = BTreeSet::new();
    dirs.retain(|dir| seen.insert(dir.clone()));
    dirs
}

/// Where the `initdb` in this directory really is: `PATH` often has a link to it, without the files beside it.
fn real_dir(dir: &Path) -> Option<PathBuf> {
    let real = dir.join("initdb").canonicalize().ok()?;
    Some(real.parent()?.to_owned())
}

/// The installations of the wanted major version, or of any that is supported, in these directories: newest major
/// first, and otherwise in the directories' order.
pub fn find(major: Option<u16>, dirs: &[PathBuf]) -> Vec<Binaries> {
    let mut found: Vec<Binaries> = dirs.iter().filter_map(|dir| inspect(dir)).collect();
    found.retain(|binaries| {
        major.map_or(SUPPORTED.contains(&binaries.major), |major| binaries.major == major)
    });
    found.sort_by_key(|binaries| std::cmp::Reverse(binaries.major));
    found
}

/// The installation in this directory, if there is one that runs.
pub fn inspect(directory: &Path) -> Option<Binaries> {
    if !directory.join("initdb").is_file() {
        return None;
    }
    let directory = directory.canonicalize().ok()?;
    let said = output(command(&directory, "postgres").arg("--version"))?;
    let version = said.strip_prefix("postgres (PostgreSQL) ")?.to_owned();
    let digits = version.find(|c: char| !c.is_ascii_digit()).unwrap_or(version.len());
    let major = version[..digits].parse().ok()?;
    Some(Binaries { directory, major, version })
}

/// A program of an installation, to be run in an environment that does not change what it does.
pub(super) fn command(directory: &Path, program: &str) -> Command {
    let mut command = Command::new(directory.join(program));
    command.env_clear().env("LC_ALL", "C").env("TZ", "UTC").env("PATH", "/usr/bin:/bin").current_dir("/");
    command.stdin(Stdio::null());
    command
}

fn output(command: &mut Command) -> Option<String> {
    let output = command.stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    fn pretend(dir: &Path, version: &str) {
        std::fs::create_dir_all(dir).unwrap();
        for program in ["initdb", "postgres"] {
            let file = dir.join(program);
            std::fs::write(&file, format!("#!/bin/sh\necho '{program} (PostgreSQL) {version}'\n")).unwrap();
            std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
        }
    }

    #[test]
    fn installations_are_found_by_major_version_and_links_are_followed() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        pretend(&root.join("15"), "15.14 (Debian)");
        pretend(&root.join("17"), "17rc1");
        pretend(&root.join("12"), "12.1");
        std::fs::create_dir(root.join("links")).unwrap();
        symlink(root.join("15/initdb"), root.join("links/initdb")).unwrap();
        let path = std::env::join_paths([root.join("links")]).unwrap();
        assert_eq!(search_dirs(Some(&path))[0], root.join("15"));
        let dirs = ["nothing", "12", "15", "17"].map(|name| root.join(name));
        let majors = |wanted| find(wanted, &dirs).iter().map(|b| b.major).collect::<Vec<_>>();
        assert_eq!(majors(None), [17, 15]);
        assert_eq!(majors(Some(15)), [15]);
        assert_eq!(majors(Some(16)), [] as [u16; 0]);
    }
}
