//! The plan's folder: plan.toml and what is written for people beside it.
//!
//! ```text
//! plan.toml  up-expand.sql  up-contract.sql  rollback-contract.sql  rollback-expand.sql  README.md  approvals/
//! ```
//!
//! Opening a folder renders the scripts again: a reviewer who read up-expand.sql read what will run, by psql as by trueup, or
//! the plan is refused. A phase without steps has no scripts, and a file of that name is refused. Folders of earlier versions
//! have up.sql and rollback.sql instead, for reading. Who verifies or approves a plan has README.md rendered again, too
//! ([`PlanFile::check_page`]).
//!
//! A new folder appears at once, by a rename. An existing one is only written to when it holds the same plan, is
//! empty, or holds another plan that nobody has approved yet: an approved plan is never replaced.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use super::{
    Plan,
    format::{self, Digest, Unwritable},
    reading, script,
};
use crate::toml_file::{self, TomlError};

/// A plan as it lies on disk.
#[derive(Debug, Clone)]
pub struct PlanFile {
    /// What it says.
    pub plan: Plan,
    /// What it is known by.
    pub digest: Digest,
    /// The text of plan.toml.
    pub text: String,
    /// The folder.
    pub dir: PathBuf,
}

/// Why a plan's folder cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// There is no plan there.
    #[error("there is no plan at {}", .0.display())]
    Missing(PathBuf),
    /// plan.toml is not as trueup writes it.
    #[error(transparent)]
    Plan(#[from] TomlError),
    /// A file says something else than the plan.
    #[error("{} is not what plan.toml says (line {line})", file.display())]
    Differs {
        /// Which file.
        file: PathBuf,
        /// The first line that differs.
        line: usize,
    },
    /// A script of a phase that the plan does not have.
    #[error("{} is of no phase of plan.toml", .0.display())]
    Stray(PathBuf),
    /// The folder holds something that must not be written over.
    #[error("{}: {why}", dir.display())]
    Occupied {
        /// Which folder.
        dir: PathBuf,
        /// What is in it.
        why: &'static str,
    },
    /// The plan has no bytes.
    #[error(transparent)]
    Unwritable(#[from] Unwritable),
    /// A plan that was just made would be refused when it is read.
    #[error("the plan that was made would not be read again: {0}")]
    Unreadable(TomlError),
    /// The system refused.
    #[error("{}: {source}", path.display())]
    Io {
        /// Which file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl FolderError {
    /// What to do next.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Missing(_) => "name a plan's folder, or its plan.toml; `trueup plan` writes one".to_owned(),
            Self::Plan(error) => return error.hint().or_else(|| Some(EDITED.to_owned())),
            Self::Differs { .. } | Self::Stray(_) => EDITED.to_owned(),
            Self::Occupied { .. } => {
                "give the new plan another folder with --out or another --name".to_owned()
            }
            Self::Unwritable(_) => return None,
            Self::Unreadable(_) => {
                "nothing was written; please report this with both schemas, since a plan should not fail"
                    .to_owned()
            }
            Self::Io { .. } => "check the path and its permissions".to_owned(),
        })
    }
}

const EDITED: &str =
    "plans are not edited: change the schema and run `trueup plan` again, or restore the file";
const PLAN: &str = "plan.toml";
const README: &str = "README.md";
const APPROVALS: &str = "approvals";
const SIGNATURE: &str = "plan.toml.sig";

fn at(path: &Path) -> impl Fn(io::Error) -> FolderError + '_ {
    move |source| FolderError::Io { path: path.to_owned(), source }
}

impl PlanFile {
    /// Reads a plan's folder, or the plan.toml in it, and checks its scripts against it.
    pub fn open(path: &Path) -> Result<Self, FolderError> {
        let file = if path.is_dir() { path.join(PLAN) } else { path.to_owned() };
        if !file.is_file() {
            return Err(FolderError::Missing(path.to_owned()));
        }
        let dir =
            file.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new(".")).to_owned();
        let text = toml_file::read_text(&file)?;
        if let Some(conflict) = conflict(&text) {
            let problem = "a merge conflict stands here, and no plan: restore one side of the whole folder, or plan again";
            return Err(TomlError::at(&file, &text, conflict, problem).into());
        }
        let opened = Self { plan: format::from_text(&file, &text)?, digest: Digest::of(&text), text, dir };
        opened.check_scripts()?;
        Ok(opened)
    }

    /// Refuses scripts that are not what the plan renders to, all of those that lie there.
    fn check_scripts(&self) -> Result<(), FolderError> {
        let lies_there = |name: &str| self.dir.join(name).symlink_metadata().is_ok();
        let scripts = self.scripts();
        let mut earlier = Vec::from(reading::earlier(&self.plan, &self.digest));
        let has_earlier = earlier.iter().any(|(name, _)| lies_there(name));
        if has_earlier && !script::NAMES.into_iter().any(lies_there) {
            return earlier.iter().try_for_each(|(name, rendered)| self.check(name, rendered));
        }
        earlier.retain(|(name, _)| lies_there(name));
        scripts.iter().chain(&earlier).try_for_each(|(name, rendered)| self.check(name, rendered))?;
        match self.strays(&scripts).into_iter().find(|file| file.symlink_metadata().is_ok()) {
            Some(stray) => Err(FolderError::Stray(stray)),
            None => Ok(()),
        }
    }

    /// Where scripts would lie that this plan does not have.
    fn strays(&self, scripts: &[(&str, String)]) -> Vec<PathBuf> {
        let is_own = |name: &&str| scripts.iter().any(|(own, _)| own == name);
        script::NAMES.into_iter().filter(|name| !is_own(name)).map(|name| self.dir.join(name)).collect()
    }

    /// Refuses a review page that is not what the plan renders to: whoever read it read another plan.
    pub fn check_page(&self, readme: impl FnOnce(&Plan, &Digest) -> String) -> Result<(), FolderError> {
        self.check(README, &readme(&self.plan, &self.digest))
    }

    fn check(&self, name: &str, rendered: &str) -> Result<(), FolderError> {
        let file = self.dir.join(name);
        let found = toml_file::read_file(&file).map_err(at(&file))?;
        let found = String::from_utf8_lossy(&found).replace("\r\n", "\n");
        if found == rendered {
            return Ok(());
        }
        let same = found.lines().zip(rendered.lines()).take_while(|(a, b)| a == b).count();
        Err(FolderError::Differs { file, line: same + 1 })
    }

    /// Where the signature of who made the plan lies.
    pub fn signature(&self) -> PathBuf {
        self.dir.join(SIGNATURE)
    }

    /// Where approvals lie.
    pub fn approvals(&self) -> PathBuf {
        self.dir.join(APPROVALS)
    }

    fn scripts(&self) -> Vec<(&'static str, String)> {
        script::all(&self.plan, &self.digest, &self.text)
    }
}

/// Where git has left a conflict.
fn conflict(text: &str) -> Option<usize> {
    let begins = text.starts_with("<<<<<<< ").then_some(0);
    begins.or_else(|| text.find("\n<<<<<<< ").map(|at| at + 1))
}

/// Writes a plan's folder; `readme` renders its review page. See the module for what is never written over.
pub fn write(
    dir: &Path,
    plan: &Plan,
    readme: impl FnOnce(&Plan, &Digest) -> String,
) -> Result<PlanFile, FolderError> {
    let text = format::to_text(plan)?;
    format::from_text(Path::new(PLAN), &text).map_err(FolderError::Unreadable)?;
    let digest = Digest::of(&text);
    let written = PlanFile { plan: plan.clone(), digest, text: text.clone(), dir: dir.to_owned() };
    let mut files = vec![(PLAN, text), (README, readme(&written.plan, &written.digest))];
    let scripts = written.scripts();
    let mut gone = written.strays(&scripts);
    gone.extend(reading::earlier(plan, &written.digest).map(|(name, _)| dir.join(name)));
    gone.push(written.signature());
    files.extend(scripts);

    let parent = dir.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(parent).map_err(at(parent))?;
    let occupied = occupation(dir, &written.digest)?;
    let fresh = tempfile::Builder::new().prefix(".trueup-plan-").tempdir_in(parent).map_err(at(parent))?;
    for (name, content) in &files {
        let file = fresh.path().join(name);
        fs::write(&file, content).map_err(at(&file))?;
    }
    let approvals = fresh.path().join(APPROVALS);
    fs::create_dir(&approvals).map_err(at(&approvals))?;
    if occupied {
        for file in gone {
            match fs::remove_file(&file) {
                Err(source) if source.kind() != io::ErrorKind::NotFound => {
                    return Err(FolderError::Io { path: file, source });
                }
                _ => {}
            }
        }
        // The plan goes last: until it is there, the scripts do not fit and the folder is refused.
        for (name, _) in files.iter().rev() {
            let file = dir.join(name);
            fs::rename(fresh.path().join(name), &file).map_err(at(&file))?;
        }
        let approvals = dir.join(APPROVALS);
        fs::create_dir_all(&approvals).map_err(at(&approvals))?;
    } else {
        let fresh = fresh.keep();
        open_to_others(&fresh).map_err(at(&fresh))?;
        if let Err(source) = fs::rename(&fresh, dir) {
            // what could not be moved into place is not left lying about
            fs::remove_dir_all(&fresh).map_err(at(&fresh))?;
            return Err(FolderError::Io { path: dir.to_owned(), source });
        }
    }
    Ok(written)
}

/// Whether the folder is there, having made sure that it may be written to.
fn occupation(dir: &Path, digest: &Digest) -> Result<bool, FolderError> {
    let entries = match fs::read_dir(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        entries => entries.map_err(at(dir))?,
    };
    let empty = entries.into_iter().next().is_none();
    let file = dir.join(PLAN);
    let refused = |why| Err(FolderError::Occupied { dir: dir.to_owned(), why });
    if empty {
        return Ok(true);
    }
    if !file.is_file() {
        return refused("the folder is not empty and holds no plan");
    }
    let same = toml_file::read_text(&file).is_ok_and(|text| Digest::of(&text) == *digest);
    let approved = fs::read_dir(dir.join(APPROVALS)).is_ok_and(|mut files| files.next().is_some());
    if approved && !same { refused("the folder holds another plan, which has approvals") } else { Ok(true) }
}

/// Temporary folders are private; a plan's is for everyone who may read the project.
fn open_to_others(dir: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(dir, fs::Permissions::from_mode(0o755))
}

/// Tells Git never to change the bytes of plans: `plans/.gitattributes`, unless there is one.
pub fn write_gitattributes(plans: &Path) -> Result<(), FolderError> {
    fs::create_dir_all(plans).map_err(at(plans))?;
    let file = plans.join(".gitattributes");
    match fs::File::create_new(&file) {
        Ok(mut created) => io::Write::write_all(&mut created, b"* -text\n").map_err(at(&file)),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(source) => Err(FolderError::Io { path: file, source }),
    }
}
