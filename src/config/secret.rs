//! Where trueup.toml says that a secret is: `"${env:NAME}"` or `"${file:path}"`, never the secret itself.

use std::{
    fmt, io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use crate::toml_file;

/// Where a secret is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum SecretSource {
    /// In this variable of the environment.
    Variable(String),
    /// In this file, relative to trueup.toml's folder; a newline at its end is not part of it.
    File(PathBuf),
}

impl TryFrom<String> for SecretSource {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let inside = text.strip_prefix("${").and_then(|rest| rest.strip_suffix('}'));
        // never what it says: it may be the secret
        inside
            .and_then(Self::named)
            .ok_or("a secret is \"${env:NAME}\" or \"${file:path}\", and never stands here itself")
    }
}

impl From<SecretSource> for String {
    fn from(source: SecretSource) -> Self {
        source.to_string()
    }
}

impl SecretSource {
    /// What `env:NAME` or `file:path` names, which stands between `${` and `}`.
    pub fn named(inside: &str) -> Option<Self> {
        match inside.split_once(':')? {
            ("env", name) if !name.is_empty() => Some(Self::Variable(name.to_owned())),
            ("file", path) if !path.is_empty() => Some(Self::File(path.into())),
            _ => None,
        }
    }

    /// The secret; None: there is no such variable. Paths are relative to the folder of trueup.toml.
    pub fn read(&self, folder: &Path, env: &dyn Fn(&str) -> Option<String>) -> io::Result<Option<String>> {
        let path = match self {
            Self::Variable(name) => return Ok(env(name)),
            Self::File(path) => folder.join(path),
        };
        let mut text = String::from_utf8(toml_file::read_file(&path)?)
            .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "the text is not UTF-8"))?;
        if text.ends_with('\n') {
            text.pop();
            text.truncate(text.strip_suffix('\r').map_or(text.len(), str::len));
        }
        Ok(Some(text))
    }
}

impl fmt::Display for SecretSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Variable(name) => write!(f, "${{env:{name}}}"),
            Self::File(path) => write!(f, "${{file:{}}}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_itself_is_refused_and_not_repeated() {
        let read = |text: &str| SecretSource::try_from(text.to_owned());
        assert_eq!(read("${env:A}"), Ok(SecretSource::Variable("A".to_owned())));
        assert_eq!(read("${file:/run/a:b}"), Ok(SecretSource::File("/run/a:b".into())));
        for text in ["hunter2", "${env:}", "${hunter2}", "${file:}", "${vault:a}"] {
            assert!(read(text).is_err_and(|why| !why.contains("hunter2")), "{text}");
        }
    }
}
