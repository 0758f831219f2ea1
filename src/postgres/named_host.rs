//! A host that a project's trueup.toml names, and the passwords that this environment has for it.
//!
//! trueup.toml comes with the branch: whoever may open a pull request can write it. What CI has in PGPASSWORD, in .pgpass or
//! in a file of secrets would be sent to whatever host a branch names. So it is only sent to hosts of this machine, and to
//! those that `TRUEUP_ALLOWED_HOSTS`, which a branch cannot set, allows. The password that the url itself has is the
//! file's own. References to secrets are for such urls only, so that the host is known before a secret is read. The secrets
//! of foreign data go to such hosts only, too, whoever's the password is.

use std::{io, path::Path};

use super::error::ConnectError;
use super::settings::Settings;
use super::target::Host;
use crate::config::SecretSource;

/// The variable with the hosts that may be sent a password, wherever trueup.toml names them.
pub(super) const ALLOWED: &str = "TRUEUP_ALLOWED_HOSTS";

/// Where a url is from.
pub(super) struct UrlFile<'a> {
    /// The file.
    pub file: &'a Path,
    /// Whether the url names the host itself.
    pub names_host: bool,
    /// What its hosts would be sent.
    pub sends: Sends,
}

/// What of this environment the hosts of a url would be sent.
#[derive(Debug, Clone, Copy)]
pub(super) enum Sends {
    /// Nothing: the password is the url's own.
    Nothing,
    /// The password, where there is one for the host.
    Password,
    /// Secrets of foreign data.
    Secrets,
}

impl<'a> UrlFile<'a> {
    /// The file of a url with these settings.
    pub fn new(file: &'a Path, given: &Settings, sends: Sends) -> Self {
        let names_host = ["host", "hostaddr", "servicefile"].iter().any(|name| given.contains_key(*name));
        Self { file, names_host, sends }
    }

    /// Refuses a host that must not be sent what it would be.
    pub fn check(&self, hosts: &[Host], allowed: &str) -> Result<(), ConnectError> {
        let sent = |host: &Host| match self.sends {
            Sends::Nothing => None,
            Sends::Password => host.password.as_ref().map(|_| "a password"),
            Sends::Secrets => Some("secrets"),
        };
        let mut strangers =
            hosts.iter().filter(|host| self.names_host && !host.is_local() && !allows(allowed, host));
        match strangers.find_map(|host| Some((host, sent(host)?))) {
            Some((host, what)) => Err(ConnectError::HostNotAllowed {
                file: self.file.to_owned(),
                host: host.address.map_or_else(|| host.name(), |address| address.to_string()),
                what,
            }),
            None => Ok(()),
        }
    }
}

/// Whether a list such as `db.example.com,*.internal` has a host. It counts where the connection goes: the address, if it is
/// given.
fn allows(list: &str, host: &Host) -> bool {
    let place = host.address.map_or_else(|| host.name(), |address| address.to_string()).to_ascii_lowercase();
    let place = place.trim_end_matches('.');
    list.split(',').map(|entry| entry.trim().to_ascii_lowercase()).any(|entry| {
        match entry.strip_prefix("*.") {
            Some(domain) => {
                !domain.is_empty()
                    && place.strip_suffix(domain).is_some_and(|rest| rest.len() > 1 && rest.ends_with('.'))
            }
            None => !entry.is_empty() && entry == place,
        }
    })
}

/// Marks the place of a reference while the url is read: no setting has this character.
const MARK: char = '\u{1}';

/// What stands for a password in a url: `${file:/run/secrets/db}` or `${env:DB_PASSWORD}`.
#[derive(Debug, Default)]
pub(super) struct References(Vec<SecretSource>);

impl References {
    /// Takes the references out of a url, so that nothing in them or in what they stand for means anything there.
    pub fn take(url: &str) -> Result<(String, Self), ConnectError> {
        if url.contains(MARK) {
            return Err(wrong("it has a control character (U+0001)"));
        }
        let (mut plain, mut found, mut rest) = (String::new(), Vec::new(), url);
        while let Some((before, after)) = rest.split_once("${") {
            let (inside, after) = after.split_once('}').ok_or_else(|| wrong("a ${ has no }"))?;
            let reference = SecretSource::named(inside).ok_or_else(|| {
                wrong("a ${…} is neither ${file:/path} nor ${env:NAME} (write ${ itself as %24%7B)")
            })?;
            plain.push_str(&format!("{before}{MARK}{}{MARK}", found.len()));
            found.push(reference);
            rest = after;
        }
        plain.push_str(rest);
        Ok((plain, Self(found)))
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// That they stand in the password only: every other setting is shown to people.
    pub fn check(&self, settings: &Settings) -> Result<(), ConnectError> {
        if self.is_empty() {
            return Ok(());
        }
        match settings.iter().find(|(name, value)| *name != "password" && value.contains(MARK)) {
            Some((name, _)) => Err(wrong(format!(
                "a ${{…}} stands in its {name}: only the password can be read from elsewhere"
            ))),
            None => Ok(()),
        }
    }

    /// The password with the values in it. Paths are relative to the folder of trueup.toml.
    pub fn fill(
        &self,
        password: &str,
        folder: &Path,
        env: &dyn Fn(&str) -> Option<String>,
    ) -> Result<String, ConnectError> {
        let mut filled = String::new();
        for (at, part) in password.split(MARK).enumerate() {
            match part.parse::<usize>().ok().filter(|_| at % 2 == 1).and_then(|number| self.0.get(number)) {
                Some(reference) => filled.push_str(&read(reference, folder, env)?),
                None => filled.push_str(part),
            }
        }
        Ok(filled)
    }
}

/// What a reference stands for, which cannot be nothing.
fn read(
    reference: &SecretSource,
    folder: &Path,
    env: &dyn Fn(&str) -> Option<String>,
) -> Result<String, ConnectError> {
    let value = reference.read(folder, env).map_err(|source| match reference {
        SecretSource::File(path) if source.kind() != io::ErrorKind::InvalidData => ConnectError::File {
            what: "the password of the url in trueup.toml from",
            path: folder.join(path),
            source,
        },
        _ => wrong(format!("{reference}: {source}")),
    })?;
    match (reference, value) {
        (_, Some(value)) if !value.is_empty() => Ok(value),
        (SecretSource::Variable(name), None) => {
            Err(wrong(format!("{reference}: the variable {name} is not set")))
        }
        _ => Err(wrong(format!("{reference} is empty"))),
    }
}

fn wrong(problem: impl Into<String>) -> ConnectError {
    ConnectError::Settings { origin: "the url in trueup.toml".to_owned(), problem: problem.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_allowed_by_its_name_or_a_domain_above_it() {
        let host = |name: &str, address: Option<&str>| Host {
            name: name.to_owned(),
            address: address.map(|address| address.parse().unwrap()),
            port: 5432,
            password: None,
        };
        for (list, name, address, fine) in [
            ("db.example.com", "db.example.com", None, true),
            ("a, DB.example.com ,b", "db.Example.com.", None, true),
            ("example.com", "db.example.com", None, false),
            ("*.example.com", "db.example.com", None, true),
            ("*.example.com", "a.b.example.com", None, true),
            ("*.example.com", "example.com", None, false),
            ("*.example.com", "evilexample.com", None, false),
            ("*.", "db.", None, false),
            ("*", "db", None, false),
            ("", "", None, false),
            // where the connection goes counts
            ("db.example.com", "db.example.com", Some("203.0.113.5"), false),
            ("203.0.113.5", "db.example.com", Some("203.0.113.5"), true),
        ] {
            assert_eq!(allows(list, &host(name, address)), fine, "{list} {name}");
        }
    }

    #[test]
    fn a_reference_stands_for_any_characters() {
        let url = "postgres://app:x${env:A}${env:B}@h/db?sslmode=require";
        let (plain, references) = References::take(url).unwrap();
        let settings = super::super::settings::parse(&plain).unwrap();
        references.check(&settings).unwrap();
        assert_eq!((&*settings["host"], &*settings["dbname"]), ("h", "db"));
        let env = |name: &str| Some(format!("{name}%40/@:?${{env:A}}'"));
        let filled = references.fill(&settings["password"], Path::new("/"), &env).unwrap();
        assert_eq!(filled, "xA%40/@:?${env:A}'B%40/@:?${env:A}'");
    }

    #[test]
    fn references_are_written_as_they_are_documented() {
        for (url, problem) in [
            ("postgres://app:${env:A@h/db", "a ${ has no }"),
            ("postgres://app:${A}@h/db", "is neither"),
            ("postgres://app:${env:}@h/db", "is neither"),
            ("postgres://${env:A}@h/db", "stands in its user"),
            ("postgres://app@${env:A}.evil/db", "stands in its host"),
            ("postgres://app@h/${file:/x}", "stands in its dbname"),
        ] {
            let error = References::take(url)
                .and_then(|(plain, references)| references.check(&super::super::settings::parse(&plain)?));
            assert!(error.unwrap_err().to_string().contains(problem), "{url}");
        }
    }
}
