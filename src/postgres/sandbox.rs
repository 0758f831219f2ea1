//! The sandbox of the throwaway server.
//!
//! trueup runs proposed SQL on the throwaway server, and SQL can start programs and read files. So the server runs in
//! namespaces of its own (namespaces(7)): it has no network, sees no other process and no other socket, and its file system
//! holds programs and libraries, read-only, and the server's own directory. Where the kernel refuses namespaces, Landlock
//! (landlock(7)) denies it all other files and TCP.
//!
//! [`run_server`] runs in a process of its own between the supervisor (`keeper.sh`) and the server, since the kernel creates
//! user namespaces only for a process with a single thread.

use std::{
    ffi::OsString,
    fmt,
    path::{Path, PathBuf},
};

/// What separates the throwaway server from the rest of the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sandbox {
    /// Namespaces.
    Namespaces,
    /// Landlock. The server can still signal processes of its user and connect to sockets in the file system.
    Landlock,
    /// The server's user alone.
    None,
}

impl Sandbox {
    const ALL: [Self; 3] = [Self::Namespaces, Self::Landlock, Self::None];

    /// Reads which sandbox the server of this directory was started in.
    pub(super) fn of(directory: &Path) -> Self {
        let name = std::fs::read_to_string(directory.join(RECORD)).unwrap_or_default();
        Self::ALL.into_iter().find(|sandbox| sandbox.to_string() == name).unwrap_or(Self::None)
    }
}

impl fmt::Display for Sandbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Namespaces => "namespaces",
            Self::Landlock => "Landlock",
            Self::None => "none",
        })
    }
}

/// The file in the server's directory that names the sandbox.
const RECORD: &str = "sandbox";

/// A server to start in a sandbox.
struct Server {
    /// The only directory that it may write to.
    directory: PathBuf,
    /// The user and group to run it as; the current ones without.
    user: Option<(u32, u32)>,
    /// Whether to refuse any sandbox but namespaces.
    strict: bool,
    /// Where the programs are.
    programs: PathBuf,
    /// The arguments of `postgres`.
    arguments: Vec<OsString>,
}

/// Runs a server in the strongest sandbox that the kernel allows, until the server ends. This is the hidden command of
/// [`ScratchOptions::launcher`](super::ScratchOptions). Arguments: the server's directory, `UID:GID` or `-`, `strict` or
/// `-`, the directory of the programs, and the arguments of `postgres`. An error says why there is no server.
pub fn run_server(arguments: impl IntoIterator<Item = OsString>) -> Result<(), String> {
    let mut arguments = arguments.into_iter();
    let mut next = || arguments.next().ok_or("an argument is missing");
    let (directory, user, strict, programs) = (next()?, next()?, next()?, next()?);
    let user = match user.to_str().and_then(|user| user.split_once(':')) {
        Some((user, group)) => {
            let number = |text: &str| text.parse().map_err(|_| format!("{text} is no user or group id"));
            Some((number(user)?, number(group)?))
        }
        None => None,
    };
    let server = Server {
        directory: directory.into(),
        user,
        strict: strict == "strict",
        programs: programs.into(),
        arguments: arguments.collect(),
    };
    server.run()
}

#[cfg(target_os = "linux")]
mod linux;

#[cfg(not(target_os = "linux"))]
impl Server {
    fn run(self) -> Result<(), String> {
        use std::os::unix::process::CommandExt;
        if self.strict {
            return Err("only Linux has namespaces".to_owned());
        }
        let mut command = std::process::Command::new(self.programs.join("postgres"));
        if let Some((user, group)) = self.user {
            command.uid(user).gid(group);
        }
        Err(command.args(&self.arguments).exec().to_string())
    }
}
