//! Files and folders of SQL become texts.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::DesiredError;
use crate::annotation::Location;

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
pub fn read_paths(paths: &[PathBuf]) -> Result<Vec<SourceFile>, DesiredError> {
    let mut names = Vec::new();
    for path in paths {
        if path.is_dir() {
            let before = names.len();
            collect(path, &mut names)?;
            if names.len() == before {
                return Err(DesiredError::NoSql(path.clone()));
            }
        } else {
            names.push(path.clone());
        }
    }
    let mut seen = std::collections::BTreeSet::new();
    names.retain(|path| seen.insert(path.clone()));
    names
        .into_iter()
        .map(|path| match fs::read(&path) {
            Ok(bytes) => SourceFile::from_bytes(path.display().to_string(), bytes),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Err(DesiredError::NotFound(path)),
            Err(source) => Err(DesiredError::Unreadable { path, source }),
        })
        .collect()
}

/// Adds the SQL files below a folder, sorted. Hidden files and folders are left out.
fn collect(folder: &Path, names: &mut Vec<PathBuf>) -> Result<(), DesiredError> {
    let unreadable = |source| DesiredError::Unreadable { path: folder.to_owned(), source };
    let mut entries: Vec<PathBuf> = fs::read_dir(folder)
        .map_err(unreadable)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()
        .map_err(unreadable)?;
    entries.sort();
    for path in entries {
        if path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b".")) {
            continue;
        }
        if path.is_dir() {
            collect(&path, names)?;
        } else if path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("sql")) {
            names.push(path);
        }
    }
    Ok(())
}
