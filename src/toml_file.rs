//! TOML files that people write or review, read strictly.
//!
//! Every error names file, line and column. An unknown key is an error with the nearest known one as suggestion.
//! Plans and approvals are bound to their bytes, so what those bytes are is settled here: CRLF becomes LF first; a
//! carriage return that remains, a byte order mark or invalid UTF-8 is refused.

use std::{
    fs::{File, OpenOptions},
    io::{ErrorKind, Read},
    ops::Range,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use nix::fcntl::OFlag;
use serde::de::DeserializeOwned;

use crate::visible::visible_line;

/// Why a file could not be read.
#[derive(Debug, thiserror::Error)]
pub enum TomlError {
    /// The system would not give it.
    #[error("cannot read {}: {source}", file.display())]
    Read {
        /// Which file.
        file: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// It is not what it should be.
    #[error("{}:{line}:{column}: {problem}", file.display())]
    Content {
        /// Which file.
        file: PathBuf,
        /// From 1.
        line: usize,
        /// From 1, in characters.
        column: usize,
        /// What is wrong there.
        problem: String,
        /// What was probably meant.
        suggestion: Option<String>,
    },
}

impl TomlError {
    /// What to do next, where that can be said.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Read { .. } => None,
            Self::Content { suggestion, .. } => {
                suggestion.as_ref().map(|name| format!("did you mean `{name}`?"))
            }
        }
    }

    /// A problem at some place in a text.
    pub fn at(file: &Path, text: &str, offset: usize, problem: impl Into<String>) -> Self {
        let before = text.get(..offset).unwrap_or(text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
        Self::Content { file: file.to_owned(), line, column, problem: problem.into(), suggestion: None }
    }
}

/// Reads a file's text by the rules above.
pub fn read_text(file: &Path) -> Result<String, TomlError> {
    let bytes = read_file(file).map_err(|source| TomlError::Read { file: file.to_owned(), source })?;
    text_of(file, bytes)
}

/// The most that a file of trueup's has: a plan of thousands of partitions has a tenth of it.
const MOST: u64 = 256 << 20;

/// A file's bytes.
pub fn read_file(file: &Path) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open_regular(file)?.take(MOST).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// A file to read, neither a pipe nor a device, which never end or do something when they are read, nor a big one.
pub fn open_regular(file: &Path) -> std::io::Result<File> {
    let opened = OpenOptions::new().read(true).custom_flags(OFlag::O_NONBLOCK.bits()).open(file)?;
    let metadata = opened.metadata()?;
    if metadata.is_dir() {
        return Err(ErrorKind::IsADirectory.into());
    }
    if !metadata.is_file() {
        return Err(std::io::Error::other("it is no regular file"));
    }
    if metadata.len() > MOST {
        return Err(std::io::Error::other(format!("it has more than {} MiB", MOST >> 20)));
    }
    Ok(opened)
}

/// The text of a file's bytes.
pub fn text_of(file: &Path, bytes: Vec<u8>) -> Result<String, TomlError> {
    let text = String::from_utf8(bytes).map_err(|error| {
        let valid = error.utf8_error().valid_up_to();
        let text = String::from_utf8_lossy(&error.as_bytes()[..valid]).into_owned();
        TomlError::at(file, &text, valid, "the text is not UTF-8")
    })?;
    if text.starts_with('\u{feff}') {
        return Err(TomlError::at(file, &text, 0, "the file begins with a byte order mark"));
    }
    let text = text.replace("\r\n", "\n");
    match text.find('\r') {
        Some(at) => Err(TomlError::at(file, &text, at, "a carriage return stands alone")),
        None => Ok(text),
    }
}

/// Parses a text that was read from `file`.
pub fn parse<T: DeserializeOwned>(file: &Path, text: &str) -> Result<T, TomlError> {
    toml::from_str(text).map_err(|error| {
        let Range { start, .. } = error.span().unwrap_or(0..0);
        let mut problem = visible_line(error.message().trim()).into_owned();
        let suggestion = unknown(&problem).and_then(|(name, known)| {
            problem = format!("unknown key `{name}`");
            nearest(&name, &known)
        });
        let mut wrong = TomlError::at(file, text, start, problem);
        if let TomlError::Content { suggestion: place, .. } = &mut wrong {
            *place = suggestion;
        }
        wrong
    })
}

/// The key, and those that could stand there, out of serde's sentence about an unknown field or variant.
fn unknown(message: &str) -> Option<(String, Vec<String>)> {
    let rest = message.strip_prefix("unknown field ")?;
    let mut quoted = rest.split('`').skip(1).step_by(2).map(str::to_owned);
    Some((quoted.next()?, quoted.collect()))
}

/// The name among `known` that is closest to `name`, if one is close.
pub fn nearest(name: &str, known: &[String]) -> Option<String> {
    let distance = |other: &str| distance(&name.to_lowercase(), &other.to_lowercase());
    let (best, far) = known.iter().map(|other| (other, distance(other))).min_by_key(|(_, far)| *far)?;
    (far <= (name.chars().count().max(3)) / 3).then(|| best.clone())
}

/// How many characters must be inserted, dropped or replaced.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Sample {
        #[serde(default)]
        schemas: Vec<String>,
    }

    fn error(text: &str) -> TomlError {
        let file = Path::new("f.toml");
        text_of(file, text.as_bytes().to_vec()).and_then(|text| parse::<Sample>(file, &text)).unwrap_err()
    }

    #[test]
    fn errors_name_the_place_and_the_nearest_key() {
        let wrong = error("# x\n  shemas = []\n");
        assert_eq!(wrong.to_string(), "f.toml:2:3: unknown key `shemas`");
        assert_eq!(wrong.hint().as_deref(), Some("did you mean `schemas`?"));
        assert_eq!(error("zzzzzz = 1").hint(), None);
        assert!(error("schemas = 1").to_string().starts_with("f.toml:1:11: invalid type"));
    }

    #[test]
    fn bytes_that_could_mean_two_things_are_refused() {
        assert!(
            error("\u{feff}schemas = []").to_string().contains("1:1: the file begins with a byte order mark")
        );
        assert!(error("schemas = []\n\r").to_string().contains("2:1: a carriage return stands alone"));
        let file = Path::new("f.toml");
        assert!(
            text_of(file, b"ok\n\xff".to_vec())
                .unwrap_err()
                .to_string()
                .contains("2:1: the text is not UTF-8")
        );
        assert_eq!(text_of(file, b"schemas = []\r\n".to_vec()).unwrap(), "schemas = []\n");
        assert_eq!(parse::<Sample>(file, "schemas = ['a']").unwrap().schemas, ["a"]);
    }
}
