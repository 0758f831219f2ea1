//! Files and folders of SQL become texts.

use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
};

use super::DesiredError;
use crate::{annotation::Location, toml_file};

/// A text of SQL and the name by which errors call it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SourceFile {
    /// The path as given, or `-` for standard input.
    pub name: String,
    /// The SQL.
    pub text: String,
}

impl SourceFile {
    /// A text by its name; bytes that are not UTF-8 are an error that names their place.
    pub fn from_bytes(name: impl Into<String>, bytes: Vec<u8>) -> Result<Self, DesiredError> {
        let name = name.into();
        match String::from_utf8(bytes) {
            Ok(text) => Ok(Self { name, text }),
            Err(error) => {
                let valid = error.utf8_error().valid_up_to();
                let before = String::from_utf8_lossy(&error.as_bytes()[..valid]).into_owned();
                let start = Location { file: name, line: 1, column: 1 };
                Err(DesiredError::NotUtf8(start.advanced(&before, valid)))
            }
        }
    }
}

/// The SQL of files, and of all `*.sql` below folders, in the order of their names.
///
/// Paths that trueup.toml names come with the branch: with a `project`, all of them, and whatever links in their folders lead
/// to, must lie in that folder, outside its `.git`. An error would else repeat a word of any file of the machine. What is not
/// named on the command line itself must be a regular file.
pub fn read_paths(paths: &[PathBuf], project: Option<&Path>) -> Result<Vec<SourceFile>, DesiredError> {
    let mut reader = Reader { project, folders: BTreeSet::new(), files: BTreeSet::new(), read: Vec::new() };
    for path in paths {
        if path.is_dir() {
            reader.folder(path)?;
            if !reader.files.iter().any(|file| file.starts_with(path)) {
                return Err(DesiredError::NoSql(path.clone()));
            }
        } else {
            reader.file(path, project.is_none())?;
        }
    }
    Ok(reader.read)
}

struct Reader<'a> {
    project: Option<&'a Path>,
    /// Those that were looked into, without links: a link may lead back to where it is.
    folders: BTreeSet<PathBuf>,
    files: BTreeSet<PathBuf>,
    read: Vec<SourceFile>,
}

impl Reader<'_> {
    /// Reads the SQL files below a folder, sorted. Hidden files and folders are left out.
    fn folder(&mut self, folder: &Path) -> Result<(), DesiredError> {
        if !self.folders.insert(self.inside(folder)?) {
            return Ok(());
        }
        let mut entries: Vec<PathBuf> = fs::read_dir(folder)
            .and_then(|entries| entries.map(|entry| entry.map(|entry| entry.path())).collect())
            .map_err(|source| unreadable(folder, source))?;
        entries.sort();
        for path in entries {
            if path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b".")) {
                continue;
            }
            if path.is_dir() {
                self.folder(&path)?;
            } else if path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("sql")) {
                self.file(&path, false)?;
            }
        }
        Ok(())
    }

    /// Reads a file, once. Only where that is the user's own wish may it be a pipe.
    fn file(&mut self, path: &Path, or_pipe: bool) -> Result<(), DesiredError> {
        if !self.files.insert(path.to_owned()) {
            return Ok(());
        }
        let bytes = if or_pipe { fs::read(path) } else { toml_file::read_file(&self.inside(path)?) };
        let bytes = bytes.map_err(|source| unreadable(path, source))?;
        self.read.push(SourceFile::from_bytes(path.display().to_string(), bytes)?);
        Ok(())
    }

    /// The path without links, if it lies where it may.
    fn inside(&self, path: &Path) -> Result<PathBuf, DesiredError> {
        let real = path.canonicalize().map_err(|source| unreadable(path, source))?;
        let Some(project) = self.project else { return Ok(real) };
        let project = project.canonicalize().map_err(|source| unreadable(project, source))?;
        match real.strip_prefix(&project) {
            Ok(below) if below.components().all(|part| part.as_os_str() != ".git") => Ok(real),
            _ => Err(DesiredError::Outside { path: path.to_owned(), project }),
        }
    }
}

fn unreadable(path: &Path, source: io::Error) -> DesiredError {
    let path = path.to_owned();
    match source.kind() {
        io::ErrorKind::NotFound => DesiredError::NotFound(path),
        _ => DesiredError::Unreadable { path, source },
    }
}
