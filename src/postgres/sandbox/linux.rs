//! Namespaces and Landlock.

use std::{
    fs, io,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use landlock::{
    ABI, Access, AccessFs, AccessNet, Ruleset, RulesetAttr, RulesetCreatedAttr, RulesetError, RulesetStatus,
    Scope, path_beneath_rules,
};
use nix::{
    errno::Errno,
    mount::{MntFlags, MsFlags, mount, umount2},
    sched::{CloneFlags, unshare},
    sys::{
        prctl,
        signal::{Signal, kill},
        stat::{Mode, umask},
        statvfs::{FsFlags, statvfs},
    },
    unistd::{Gid, Pid, Uid, chdir, getegid, geteuid, pivot_root, setgroups, setresgid, setresuid},
};
use tokio::signal::unix::{SignalKind, signal};

use super::{RECORD, Sandbox, Server};

/// Programs, libraries and their configuration: nothing that belongs to a user.
const SYSTEM: [&str; 17] = [
    "/usr",
    "/bin",
    "/sbin",
    "/lib",
    "/lib32",
    "/lib64",
    "/libx32",
    "/nix/store",
    "/gnu/store",
    "/home/linuxbrew/.linuxbrew",
    "/etc/alternatives",
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/localtime",
    "/etc/timezone",
    // Debian's packages link dictionaries of text search to it
    "/var/cache/postgresql/dicts",
];

const DEVICES: [&str; 4] = ["/dev/null", "/dev/zero", "/dev/random", "/dev/urandom"];

/// For mounts without a source, a type or options.
const NOTHING: Option<&Path> = None;

/// Why there are no namespaces.
struct Refused {
    /// The call and its error.
    why: String,
    /// Whether this process has changed before, so that it can start no server outside.
    begun: bool,
}

impl Server {
    pub(super) fn run(self) -> Result<(), String> {
        prctl::set_no_new_privs().map_err(|error| format!("no_new_privs: {error}"))?;
        let within = match self.enter_namespaces() {
            Ok(()) => true,
            Err(Refused { why, begun }) if begun || self.strict => {
                return Err(format!("the kernel refuses namespaces: {why}"));
            }
            Err(_) => false,
        };
        self.become_user().map_err(|error| format!("cannot become the server's user: {error}"))?;
        let sandbox = if within {
            Sandbox::Namespaces
        } else if self.restrict().is_ok_and(|status| status != RulesetStatus::NotEnforced) {
            Sandbox::Landlock
        } else {
            Sandbox::None
        };
        let record = self.directory.join(RECORD);
        fs::write(&record, sandbox.to_string()).map_err(|error| format!("{}: {error}", record.display()))?;
        self.serve().map_err(|error| format!("{}: {error}", self.programs.join("postgres").display()))
    }

    /// Unshares everything that a process shares with others, and replaces the file system.
    fn enter_namespaces(&self) -> Result<(), Refused> {
        let (user, group) = (geteuid(), getegid());
        let mut flags = CloneFlags::CLONE_NEWNS
            | CloneFlags::CLONE_NEWPID
            | CloneFlags::CLONE_NEWNET
            | CloneFlags::CLONE_NEWIPC
            | CloneFlags::CLONE_NEWUTS;
        if !user.is_root() {
            flags |= CloneFlags::CLONE_NEWUSER;
        }
        unshare(flags).map_err(|error| Refused { why: format!("unshare: {error}"), begun: false })?;
        let refused = |why: String| Refused { why, begun: true };
        if !user.is_root() {
            // user_namespaces(7): an unprivileged process maps its group only after it has given up setgroups
            let maps = [
                ("/proc/self/setgroups", "deny".to_owned()),
                ("/proc/self/uid_map", format!("{user} {user} 1")),
                ("/proc/self/gid_map", format!("{group} {group} 1")),
            ];
            for (file, map) in maps {
                fs::write(file, map).map_err(|error| refused(format!("{file}: {error}")))?;
            }
        }
        // the server's user has to enter what is made here
        let before = umask(Mode::from_bits_truncate(0o022));
        let replaced = self.replace_root().map_err(|(what, error)| refused(format!("{what}: {error}")));
        umask(before);
        replaced
    }

    /// Builds a file system that holds what the server needs, and makes it the only one.
    fn replace_root(&self) -> Result<(), (String, io::Error)> {
        let on = |path: &Path| {
            let path = path.display().to_string();
            move |error: Errno| (format!("mount {path}"), io::Error::from(error))
        };
        let made = |path: &Path| {
            let path = path.display().to_string();
            move |error: io::Error| (path, error)
        };
        let private = MsFlags::MS_REC | MsFlags::MS_PRIVATE;
        mount(NOTHING, "/", NOTHING, private, NOTHING).map_err(on(Path::new("/")))?;
        let root = self.directory.join("root");
        fs::create_dir_all(&root).map_err(made(&root))?;
        let tmpfs = |path: &Path, options: &str| {
            let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV;
            mount(Some("tmpfs"), path, Some("tmpfs"), flags, Some(options)).map_err(on(path))
        };
        tmpfs(&root, "mode=0755,size=1m")?;
        let inside = |path: &Path| root.join(path.strip_prefix("/").unwrap_or(path));
        let programs = self.installation();
        let to_read = SYSTEM.iter().map(Path::new).chain([programs.as_path()]);
        for path in to_read {
            let Ok(metadata) = fs::symlink_metadata(path) else { continue };
            let target = inside(path);
            // an installation below a directory that is there already
            if fs::symlink_metadata(&target).is_ok() {
                continue;
            }
            if let Some(parent) = target.parent() {
                fs::create_dir_all(parent).map_err(made(parent))?;
            }
            if metadata.is_symlink() {
                let link = fs::read_link(path).map_err(made(path))?;
                symlink(link, &target).map_err(made(&target))?;
                continue;
            }
            place_for(&metadata, &target).map_err(made(&target))?;
            bind(path, &target).map_err(on(path))?;
            read_only(&target).map_err(on(path))?;
        }
        for path in DEVICES.map(Path::new).into_iter().filter(|path| path.exists()) {
            let target = inside(path);
            if let Some(parent) = target.parent() {
                fs::create_dir_all(parent).map_err(made(parent))?;
            }
            fs::write(&target, "").map_err(made(&target))?;
            bind(path, &target).map_err(on(path))?;
        }
        let (user, group) = self.user.unwrap_or((geteuid().as_raw(), getegid().as_raw()));
        let passwd = inside(Path::new("/etc/passwd"));
        fs::create_dir_all(root.join("etc")).map_err(made(&passwd))?;
        fs::write(&passwd, format!("trueup:x:{user}:{group}::/:/bin/false\n")).map_err(made(&passwd))?;
        for path in ["/tmp", "/dev/shm"].map(Path::new) {
            let target = inside(path);
            fs::create_dir_all(&target).map_err(made(&target))?;
            tmpfs(&target, "mode=1777,size=64m")?;
        }
        let own = inside(&self.directory);
        fs::create_dir_all(&own).map_err(made(&own))?;
        // without the new root, which is mounted below it
        mount(Some(&self.directory), &own, NOTHING, MsFlags::MS_BIND, NOTHING).map_err(on(&own))?;
        let old = root.join("old");
        fs::create_dir(&old).map_err(made(&old))?;
        pivot_root(&root, &old).map_err(on(&root))?;
        chdir("/").map_err(on(Path::new("/")))?;
        umount2("/old", MntFlags::MNT_DETACH).map_err(on(Path::new("/old")))?;
        fs::remove_dir("/old").map_err(made(Path::new("/old")))?;
        read_only(Path::new("/")).map_err(on(Path::new("/")))
    }

    /// The directory that holds the programs and what they read, such as `share/postgresql`. Programs find that relative to
    /// themselves, up to four levels above (`make_relative_path` in PostgreSQL's src/port/path.c).
    fn installation(&self) -> PathBuf {
        let has_share = |above: &&Path| {
            let share = above.join("share");
            let names = fs::read_dir(share.join("postgresql")).into_iter().flatten().flatten();
            let mut places = names.map(|entry| entry.path()).chain([share.join("postgresql"), share]);
            places.any(|place| place.join("postgres.bki").exists())
        };
        let above = self.programs.ancestors().skip(1).take(4).filter(|above| above.parent().is_some());
        above.into_iter().find(has_share).unwrap_or(&self.programs).to_owned()
    }

    fn become_user(&self) -> nix::Result<()> {
        let Some((user, group)) = self.user else { return Ok(()) };
        let (user, group) = (Uid::from_raw(user), Gid::from_raw(group));
        setgroups(&[group])?;
        setresgid(group, group, group)?;
        setresuid(user, user, user)
    }

    /// Denies itself everything that is not listed, as far as this kernel's Landlock knows of it.
    fn restrict(&self) -> Result<RulesetStatus, RulesetError> {
        let newest = ABI::V6;
        let installation = self.installation();
        let to_read = SYSTEM.iter().map(Path::new).chain([installation.as_path()]);
        let own = DEVICES.iter().map(Path::new).chain([self.directory.as_path()]);
        let rules = Ruleset::default()
            .handle_access(AccessFs::from_all(newest))?
            .handle_access(AccessNet::from_all(newest))?
            .scope(Scope::from_all(newest))?
            .create()?
            .add_rules(path_beneath_rules(to_read, AccessFs::from_read(newest)))?
            .add_rules(path_beneath_rules(own, AccessFs::from_all(newest)))?;
        Ok(rules.restrict_self()?.ruleset)
    }

    /// Runs the server, the first process of its namespace, and hands the signal that ends it on.
    fn serve(&self) -> io::Result<()> {
        let mut command = Command::new(self.programs.join("postgres"));
        command.args(&self.arguments).current_dir("/").stdin(Stdio::null());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            let mut quit = signal(SignalKind::quit())?;
            let mut server = tokio::process::Command::from(command).spawn()?;
            let process = server.id().and_then(|id| i32::try_from(id).ok()).map(Pid::from_raw);
            loop {
                tokio::select! {
                    ended = server.wait() => return ended.map(drop),
                    _ = quit.recv() => {
                        // gone by now, perhaps
                        let _ = process.map(|process| kill(process, Signal::SIGQUIT));
                    }
                }
            }
        })
    }
}

/// Makes the file or the directory to mount another one on.
fn place_for(metadata: &fs::Metadata, target: &Path) -> io::Result<()> {
    if metadata.is_dir() { fs::create_dir_all(target) } else { fs::write(target, "") }
}

fn bind(path: &Path, target: &Path) -> nix::Result<()> {
    mount(Some(path), target, None::<&Path>, MsFlags::MS_BIND | MsFlags::MS_REC, None::<&Path>)
}

/// Makes a mount read-only. What forbids more of it already has to be said again: a user namespace may not take it away.
fn read_only(target: &Path) -> nix::Result<()> {
    let there = statvfs(target)?.flags();
    let mut flags = MsFlags::MS_BIND | MsFlags::MS_REMOUNT | MsFlags::MS_RDONLY | MsFlags::MS_NOSUID;
    let kept = [
        (FsFlags::ST_NODEV, MsFlags::MS_NODEV),
        (FsFlags::ST_NOEXEC, MsFlags::MS_NOEXEC),
        (FsFlags::ST_NOATIME, MsFlags::MS_NOATIME),
        (FsFlags::ST_NODIRATIME, MsFlags::MS_NODIRATIME),
        (FsFlags::ST_RELATIME, MsFlags::MS_RELATIME),
    ];
    flags.extend(kept.into_iter().filter(|(is, _)| there.contains(*is)).map(|(_, flag)| flag));
    mount(None::<&Path>, target, None::<&Path>, flags, None::<&Path>)
}
