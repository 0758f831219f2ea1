//! Namespaces and Landlock.

use std::{
    fmt::Display,
    fs::{self, Permissions},
    io,
    os::unix::{
        fs::{PermissionsExt, symlink},
        process::CommandExt,
    },
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use landlock::{
    ABI, Access, AccessFs, AccessNet, Ruleset, RulesetAttr, RulesetCreatedAttr, RulesetError, RulesetStatus,
    Scope, path_beneath_rules,
};
use nix::{
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

/// Why there are no namespaces, or not all of them.
struct Refused {
    /// What was tried, and the error.
    why: String,
    /// Whether a server started now would not run at all.
    broken: bool,
}

impl Server {
    pub(super) fn run(self) -> Result<(), String> {
        close_inherited().map_err(|error| format!("/proc/self/fd: {error}"))?;
        prctl::set_no_new_privs().map_err(|error| format!("no_new_privs: {error}"))?;
        let within = match self.enter_namespaces() {
            Ok(()) => true,
            Err(Refused { why, broken }) if broken || self.strict => {
                return Err(format!("the kernel refuses namespaces: {why}"));
            }
            Err(_) => false,
        };
        if !within && self.user.is_some() {
            // the server's user has to pass the directory above its own, which is root's
            let above = self
                .directory
                .parent()
                .map(|above| fs::set_permissions(above, Permissions::from_mode(0o711)));
            above.transpose().map_err(|error| format!("{}: {error}", self.directory.display()))?;
        }
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

    /// Shares nothing with other processes any more, and replaces the file system.
    fn enter_namespaces(&self) -> Result<(), Refused> {
        let refused =
            |what: &str, error: &dyn Display, broken| Refused { why: format!("{what}: {error}"), broken };
        let (user, group) = (geteuid(), getegid());
        let mut flags = CloneFlags::CLONE_NEWNS
            | CloneFlags::CLONE_NEWPID
            | CloneFlags::CLONE_NEWNET
            | CloneFlags::CLONE_NEWIPC
            | CloneFlags::CLONE_NEWUTS;
        if !user.is_root() {
            flags |= CloneFlags::CLONE_NEWUSER;
        }
        unshare(flags).map_err(|error| refused("unshare", &error, false))?;
        if !user.is_root() {
            // an unprivileged process maps its group only after it has given up setgroups (user_namespaces(7))
            let maps = [
                ("/proc/self/setgroups", "deny".to_owned()),
                ("/proc/self/uid_map", format!("{user} {user} 1")),
                ("/proc/self/gid_map", format!("{group} {group} 1")),
            ];
            for (file, map) in maps {
                fs::write(file, map).map_err(|error| refused(file, &error, true))?;
            }
        }
        // the server's user has to enter the directories of the new root
        let before = umask(Mode::from_bits_truncate(0o022));
        let built = self.build_root();
        umask(before);
        let root =
            built.map_err(|Failed(path, error)| refused(&path.display().to_string(), &error, false))?;
        enter_root(&root).map_err(|error| refused("pivot_root", &error, true))
    }

    /// Builds a file system that holds what the server needs. Returns where.
    fn build_root(&self) -> Result<PathBuf, Failed> {
        let private = MsFlags::MS_REC | MsFlags::MS_PRIVATE;
        mount(NOTHING, "/", NOTHING, private, NOTHING).map_err(Failed::at("/"))?;
        let path = self.directory.join("root");
        fs::create_dir_all(&path).map_err(Failed::at(&path))?;
        let root = Root(path);
        root.mount_tmpfs(Path::new("/"), "mode=0755,size=1m")?;
        for path in self.to_read() {
            root.show(&path)?;
        }
        for path in DEVICES {
            root.bind(Path::new(path))?;
        }
        for path in ["/tmp", "/dev/shm"].map(Path::new) {
            root.create_directory(path)?;
            root.mount_tmpfs(path, "mode=1777,size=64m")?;
        }
        let (user, group) = self.user.unwrap_or((geteuid().as_raw(), getegid().as_raw()));
        let passwd = root.at(Path::new("/etc/passwd"));
        root.create_directory(Path::new("/etc"))?;
        fs::write(&passwd, format!("trueup:x:{user}:{group}::/:/bin/false\n"))
            .map_err(Failed::at(&passwd))?;
        root.create_directory(&self.directory)?;
        // not recursive: the new root is mounted in this directory
        let own = root.at(&self.directory);
        mount(Some(&self.directory), &own, NOTHING, MsFlags::MS_BIND, NOTHING).map_err(Failed::at(&own))?;
        Ok(root.0)
    }

    /// What the server reads: the system's, then PostgreSQL's programs, libraries, and files of `share`. Programs find those
    /// relative to themselves, up to four levels above (`make_relative_path` in PostgreSQL's src/port/path.c). Nothing else of
    /// that level: it may be a user's home.
    fn to_read(&self) -> Vec<PathBuf> {
        let mut shown: Vec<PathBuf> = SYSTEM.map(PathBuf::from).into();
        let above = self.programs.ancestors().skip(1).take(4).filter(|above| above.parent().is_some());
        for above in above {
            let share = above.join("share");
            let names = fs::read_dir(share.join("postgresql")).into_iter().flatten().flatten();
            let mut places = names.map(|entry| entry.path()).chain([share.join("postgresql"), share]);
            if let Some(share) = places.find(|place| place.join("postgres.bki").exists()) {
                shown.extend([above.join("lib"), above.join("lib64"), share]);
                break;
            }
        }
        // last, since they may be below one of these
        shown.push(self.programs.clone());
        shown
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
        let own = DEVICES.iter().map(Path::new).chain([self.directory.as_path()]);
        let rules = Ruleset::default()
            .handle_access(AccessFs::from_all(newest))?
            .handle_access(AccessNet::from_all(newest))?
            .scope(Scope::from_all(newest))?
            .create()?
            .add_rules(path_beneath_rules(self.to_read(), AccessFs::from_read(newest)))?
            .add_rules(path_beneath_rules(own, AccessFs::from_all(newest)))?;
        Ok(rules.restrict_self()?.ruleset)
    }

    /// Runs the server, the first process of its namespace, and hands the signal that ends it on.
    fn serve(&self) -> io::Result<()> {
        let mut command = Command::new(self.programs.join("postgres"));
        command.args(&self.arguments).current_dir("/").stdin(Stdio::null());
        // the dynamic linker asks /proc for $ORIGIN, of which there is none here (ld.so(8))
        command.env("LD_ORIGIN_PATH", &self.programs);
        // a signal to a process group ignores PID namespaces
        command.process_group(0);
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

/// Closes what this process was started with besides its three streams: files and directories of who runs trueup.
fn close_inherited() -> io::Result<()> {
    let open: Vec<i32> = fs::read_dir("/proc/self/fd")?
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter(|number| *number > 2)
        .collect();
    for number in open {
        // the one that listed them is closed already
        let _ = nix::unistd::close(number);
    }
    Ok(())
}

/// A path, and the error there.
struct Failed(PathBuf, io::Error);

impl Failed {
    fn at<E: Into<io::Error>>(path: impl AsRef<Path>) -> impl FnOnce(E) -> Self {
        move |error| Self(path.as_ref().to_owned(), error.into())
    }
}

/// The root of the file system that the server will see. Paths are those within it.
struct Root(PathBuf);

impl Root {
    /// Where a path is until then.
    fn at(&self, path: &Path) -> PathBuf {
        self.0.join(path.strip_prefix("/").unwrap_or(path))
    }

    fn create_directory(&self, path: &Path) -> Result<(), Failed> {
        let target = self.at(path);
        fs::create_dir_all(&target).map_err(Failed::at(target))
    }

    fn mount_tmpfs(&self, path: &Path, options: &str) -> Result<(), Failed> {
        let (target, flags) = (self.at(path), MsFlags::MS_NOSUID | MsFlags::MS_NODEV);
        mount(Some("tmpfs"), &target, Some("tmpfs"), flags, Some(options)).map_err(Failed::at(target))
    }

    /// Shows what is at this path outside, if anything: a link as a link, all else as a mount.
    fn bind(&self, path: &Path) -> Result<(), Failed> {
        let Ok(metadata) = fs::symlink_metadata(path) else { return Ok(()) };
        let target = self.at(path);
        if let Some(above) = path.parent() {
            self.create_directory(above)?;
        }
        if metadata.is_symlink() {
            return fs::read_link(path).and_then(|link| symlink(link, &target)).map_err(Failed::at(target));
        }
        let placed = if metadata.is_dir() { fs::create_dir_all(&target) } else { fs::write(&target, "") };
        placed.map_err(Failed::at(&target))?;
        let flags = MsFlags::MS_BIND | MsFlags::MS_REC;
        mount(Some(path), &target, NOTHING, flags, NOTHING).map_err(Failed::at(target))
    }

    /// The same, read-only. Nothing to do for a path below one that is shown.
    fn show(&self, path: &Path) -> Result<(), Failed> {
        let target = self.at(path);
        if fs::symlink_metadata(&target).is_ok() {
            return Ok(());
        }
        self.bind(path)?;
        match fs::symlink_metadata(&target) {
            Ok(metadata) if !metadata.is_symlink() => make_read_only(&target).map_err(Failed::at(target)),
            _ => Ok(()),
        }
    }
}

/// Makes a file system the only one.
fn enter_root(root: &Path) -> io::Result<()> {
    let old = root.join("old");
    fs::create_dir(&old)?;
    pivot_root(root, &old)?;
    chdir("/")?;
    umount2("/old", MntFlags::MNT_DETACH)?;
    fs::remove_dir("/old")?;
    Ok(make_read_only(Path::new("/"))?)
}

/// Makes a mount read-only. Its other restrictions are repeated: a user namespace may not lift them (mount_namespaces(7)).
fn make_read_only(target: &Path) -> nix::Result<()> {
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
    mount(NOTHING, target, NOTHING, flags, NOTHING)
}
