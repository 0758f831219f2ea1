//! Where trueup.toml says that a secret is: `"${env:NAME}"` or `"${file:path}"`, never the secret itself.

use std::path::PathBuf;

use serde::Deserialize;

/// Where a secret is.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum SecretSource {
    /// In this variable of the environment.
    Variable(String),
    /// In this file, relative to trueup.toml's folder; a newline at its end is not part of it.
    File(PathBuf),
}

impl TryFrom<String> for SecretSource {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let named = text.strip_prefix("${").and_then(|rest| rest.strip_suffix('}'));
        match named.and_then(|named| named.split_once(':')) {
            Some(("env", name)) if !name.is_empty() => Ok(Self::Variable(name.to_owned())),
            Some(("file", path)) if !path.is_empty() => Ok(Self::File(path.into())),
            // never what it says: it may be the secret
            _ => Err("a secret is \"${env:NAME}\" or \"${file:path}\", and never stands here itself"),
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
