//! A dump as a folder, and as a file, that may be written again and never takes anything of somebody else's along.
//!
//! The folder remembers in `.trueup-dump`, in the form of `sha256sum`, what was written into it. A file that is not
//! there as it was written is somebody's work: nothing is written then, and the files are named. So are SQL files that
//! are not the dump's: as desired schema the folder would be more than the dump. Files that are not SQL do not matter.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::{Component, Path, PathBuf},
};

use super::is_untouched;
use crate::{catalog::Fingerprint, toml_file};

/// What was written, in the folder itself. Hidden: it is no part of the desired schema.
pub const MANIFEST: &str = ".trueup-dump";

/// What was done.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Written {
    /// How many files are new or changed.
    pub written: usize,
    /// How many files are as they were.
    pub unchanged: usize,
    /// How many files are gone, since their objects are.
    pub removed: usize,
}

/// Why nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// It holds SQL that no dump wrote, or that was changed since.
    #[error("{} holds SQL that is not as trueup dump wrote it: {}", dir.display(), files.join(", "))]
    Occupied {
        /// The folder.
        dir: PathBuf,
        /// The files in it, the first ten.
        files: Vec<String>,
    },
    /// The file is there, and not as a dump wrote it.
    #[error("{} is there already, and not as trueup dump wrote it", .0.display())]
    Exists(PathBuf),
    /// The operating system refused.
    #[error("{}: {source}", path.display())]
    Io {
        /// Which file or folder.
        path: PathBuf,
        /// What it said.
        source: io::Error,
    },
}

impl FolderError {
    /// What to do next.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Occupied { .. } => {
                Some("dump into an empty folder and compare, or move these files away".to_owned())
            }
            Self::Exists(_) => Some("give another name, or move the file away".to_owned()),
            Self::Io { .. } => None,
        }
    }
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> FolderError {
    move |source| FolderError::Io { path: path.to_owned(), source }
}

/// Writes a stream to a file, which must not exist unless it is a dump as it was written.
pub fn write_file(file: &Path, text: &str) -> Result<(), FolderError> {
    let untouched = |old: &str| old.is_empty() || is_untouched(old);
    match toml_file::read_file(file) {
        Ok(old) if str::from_utf8(&old).is_ok_and(untouched) => replace(file, text),
        Ok(_) => Err(FolderError::Exists(file.to_owned())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => replace(file, text),
        Err(source) => Err(FolderError::Io { path: file.to_owned(), source }),
    }
}

/// Whether a dump may be written into the folder: nothing is done.
pub fn check(dir: &Path, files: &BTreeMap<String, String>) -> Result<(), FolderError> {
    Existing::read(dir, files).map(|_| ())
}

/// Writes a dump's files into a folder.
pub fn write(dir: &Path, files: &BTreeMap<String, String>) -> Result<Written, FolderError> {
    let existing = Existing::read(dir, files)?;
    let mut written = Written::default();
    fs::create_dir_all(dir).map_err(at(dir))?;
    let digests = files.iter().map(|(path, text)| (path.clone(), BTreeSet::from([digest(text)])));
    let mut now: Manifest = digests.collect();
    // both, in case that this is as far as it comes: the next one must know what is ours
    let mut both = existing.manifest.clone();
    for (path, digests) in &now {
        both.entry(path.clone()).or_default().extend(digests.iter().cloned());
    }
    write_manifest(dir, &both)?;
    for (path, text) in files {
        if existing.same.contains(path) {
            written.unchanged += 1;
            continue;
        }
        let file = dir.join(path);
        if let Some(parent) = file.parent() {
            fs::create_dir_all(parent).map_err(at(parent))?;
        }
        replace(&file, text)?;
        written.written += 1;
    }
    for path in &existing.gone {
        let file = dir.join(path);
        fs::remove_file(&file).map_err(at(&file))?;
        written.removed += 1;
        // a folder that holds nothing more goes, too; one that does stays by itself
        for parent in file.ancestors().skip(1).take_while(|parent| *parent != dir) {
            if fs::remove_dir(parent).is_err() {
                break;
            }
        }
    }
    now.retain(|path, _| files.contains_key(path));
    write_manifest(dir, &now)?;
    Ok(written)
}

/// The digests of what was written, by path: two of one file while it is written anew.
type Manifest = BTreeMap<String, BTreeSet<String>>;

/// What a folder holds, all of which is a dump's.
struct Existing {
    manifest: Manifest,
    /// Files that are as they should be.
    same: BTreeSet<String>,
    /// Files that an earlier dump wrote and this one does not have.
    gone: BTreeSet<String>,
}

impl Existing {
    fn read(dir: &Path, files: &BTreeMap<String, String>) -> Result<Self, FolderError> {
        let manifest = read_manifest(dir)?;
        let mut found = Vec::new();
        collect(dir, dir, &mut found)?;
        let (mut same, mut gone, mut foreign) = (BTreeSet::new(), BTreeSet::new(), Vec::new());
        for path in found {
            let file = dir.join(&path);
            let is = digest(&String::from_utf8_lossy(&toml_file::read_file(&file).map_err(at(&file))?));
            let ours = manifest.get(&path).is_some_and(|digests| digests.contains(&is));
            match files.get(&path) {
                Some(text) if digest(text) == is => _ = same.insert(path),
                _ if !ours => foreign.push(path),
                Some(_) => {}
                None => _ = gone.insert(path),
            }
        }
        // a folder, or a file that is not SQL, may stand where a file should
        let blocked = files.keys().filter(|path| !same.contains(*path) && dir.join(path).is_dir());
        foreign.extend(blocked.cloned());
        if foreign.is_empty() {
            return Ok(Self { manifest, same, gone });
        }
        foreign.sort();
        if foreign.len() > 10 {
            let more = foreign.len() - 10;
            foreign.truncate(10);
            foreign.push(format!("and {more} more"));
        }
        Err(FolderError::Occupied { dir: dir.to_owned(), files: foreign })
    }
}

/// The SQL files below a folder, as the desired schema finds them: hidden ones are left out.
fn collect(root: &Path, folder: &Path, found: &mut Vec<String>) -> Result<(), FolderError> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound && folder == root => return Ok(()),
        entries => entries.map_err(at(folder))?,
    };
    for entry in entries {
        let path = entry.map_err(at(folder))?.path();
        if path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b".")) {
            continue;
        }
        if path.is_dir() {
            collect(root, &path, found)?;
        } else if path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("sql")) {
            let below = path.strip_prefix(root).unwrap_or(&path);
            let parts = below.components().map(|part| part.as_os_str().to_string_lossy().into_owned());
            found.push(parts.collect::<Vec<_>>().join("/"));
        }
    }
    Ok(())
}

/// A text's digest; Git may have changed the line ends.
fn digest(text: &str) -> String {
    super::digest(&text.replace("\r\n", "\n"))
}

fn read_manifest(dir: &Path) -> Result<Manifest, FolderError> {
    let file = dir.join(MANIFEST);
    let bytes = match toml_file::read_file(&file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Manifest::new()),
        bytes => bytes.map_err(at(&file))?,
    };
    let text = String::from_utf8_lossy(&bytes);
    let mut manifest = Manifest::new();
    for (digest, path) in text.lines().filter_map(|line| line.split_once("  ")) {
        // what it says to be ours may be removed, so that nothing outside the folder is believed
        let inside = Path::new(path).components().all(|part| matches!(part, Component::Normal(_)));
        if inside && digest.len() == Fingerprint::of("").as_str().len() {
            manifest.entry(path.to_owned()).or_default().insert(digest.to_owned());
        }
    }
    Ok(manifest)
}

fn write_manifest(dir: &Path, manifest: &Manifest) -> Result<(), FolderError> {
    let lines = manifest
        .iter()
        .flat_map(|(path, digests)| digests.iter().map(move |digest| format!("{digest}  {path}\n")));
    replace(&dir.join(MANIFEST), &lines.collect::<String>())
}

/// Puts a file in place at once: whoever reads it finds the old one or the new one.
fn replace(file: &Path, text: &str) -> Result<(), FolderError> {
    use std::{io::Write, os::unix::fs::PermissionsExt};
    let parent = file.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mode = fs::metadata(file).map_or(0o644, |meta| meta.permissions().mode());
    let mut fresh = tempfile::Builder::new()
        .prefix(".trueup-")
        .permissions(fs::Permissions::from_mode(mode))
        .tempfile_in(parent)
        .map_err(at(parent))?;
    fresh.write_all(text.as_bytes()).map_err(at(file))?;
    fresh.persist(file).map_err(|error| FolderError::Io { path: file.to_owned(), source: error.error })?;
    Ok(())
}
