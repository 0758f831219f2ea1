//! SSH signatures of approvals, by OpenSSH's own program: keys of every kind that it has, agents, hardware keys, and the
//! rules of an `allowed_signers` file (ssh-keygen(1), ALLOWED SIGNERS) are its business, as they are for git.

use std::{
    collections::BTreeSet,
    io::{self, Write},
    path::Path,
    process::{Command, Output, Stdio},
};

use jiff::Timestamp;
use tempfile::NamedTempFile;

use super::{Approval, Revocation};
use crate::{toml_file, visible::visible_line};

/// What the signatures are for: one for something else does not count here.
pub const NAMESPACE: &str = "trueup-approval";

const PROGRAM: &str = "ssh-keygen";

/// What is known of an approval's signature.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Signed {
    /// It has none, or none was asked for.
    #[default]
    No,
    /// It is by a key that the approver may sign with.
    Good {
        /// Its fingerprint: `SHA256:…`.
        key: String,
    },
    /// It is not, and why.
    Bad(String),
}

impl Signed {
    /// The fingerprint of the key, if it is good.
    pub fn key(&self) -> Option<&str> {
        match self {
            Self::Good { key } => Some(key),
            Self::No | Self::Bad(_) => None,
        }
    }
}

/// Why an approval could not be signed.
#[derive(Debug, thiserror::Error)]
pub enum SignError {
    /// There is no such program, or it could not be run.
    #[error("{PROGRAM}: {0}")]
    Run(io::Error),
    /// It did not sign.
    #[error("{PROGRAM} did not sign: {}", visible_line(.0))]
    Refused(String),
    /// The approval has no bytes to sign.
    #[error(transparent)]
    Unwritable(#[from] super::ApprovalError),
}

/// Files of keys.
#[derive(Debug, Clone, Copy)]
pub struct Keys<'a> {
    /// Who may sign with which (`allowed_signers`).
    pub allowed: &'a Path,
    /// Those that do not count any more (`revoked_keys`).
    pub revoked: Option<&'a Path>,
}

impl Approval {
    /// The bytes that are signed: the file without its signature, and without what takes it back.
    pub fn payload(&self) -> Result<String, super::ApprovalError> {
        Self { signature: None, revoked: None, revocation: None, signed: Signed::No, ..self.clone() }.text()
    }

    /// The bytes that are signed when it is taken back: with who does, and when.
    fn revocation_payload(&self) -> Result<String, super::ApprovalError> {
        let revocation = self.revocation.clone().map(|it| Revocation { signature: None, ..it });
        Self { signature: None, revocation, signed: Signed::No, ..self.clone() }.text()
    }

    /// Signs it with a private key, or by an agent with the public one.
    pub fn sign(&mut self, key: &Path) -> Result<(), SignError> {
        self.signature = Some(signed(&self.payload()?, key, NAMESPACE)?);
        Ok(())
    }

    /// Signs that it is taken back.
    pub fn sign_revocation(&mut self, key: &Path) -> Result<(), SignError> {
        let signature = signed(&self.revocation_payload()?, key, NAMESPACE)?;
        if let Some(revocation) = &mut self.revocation {
            revocation.signature = Some(signature);
        }
        Ok(())
    }

    /// Whether it is signed by a key that the approver may sign with, both at the time that the approval says and now; and, if
    /// it was taken back, whether that is signed by the approver or by one of the `admins`.
    pub fn verify(&mut self, keys: &Keys<'_>, admins: &BTreeSet<String>, now: Timestamp) {
        if let Some(signature) = &self.signature {
            let verified = self.payload().map_err(|error| error.to_string()).and_then(|payload| {
                verified_since(
                    &payload,
                    signature,
                    self.approver.as_str(),
                    keys,
                    NAMESPACE,
                    self.created,
                    now,
                )
            });
            self.signed = match verified {
                Ok(key) => Signed::Good { key },
                Err(why) => Signed::Bad(why),
            };
        }
        let verified = self.verified_revocation(keys, admins, now);
        if let Some(revocation) = &mut self.revocation {
            revocation.signed = match verified {
                Ok(None) => Signed::No,
                Ok(Some(key)) => Signed::Good { key },
                Err(why) => Signed::Bad(why),
            };
        }
    }

    fn verified_revocation(
        &self,
        keys: &Keys<'_>,
        admins: &BTreeSet<String>,
        now: Timestamp,
    ) -> Result<Option<String>, String> {
        let Some(Revocation { by, signature: Some(signature), .. }) = &self.revocation else {
            return Ok(None);
        };
        if *by != self.approver && !admins.contains(by.as_str()) {
            return Err(format!("{by} is neither the approver nor one of the `admins`"));
        }
        let payload = self.revocation_payload().map_err(|error| error.to_string())?;
        verified(&payload, signature, by.as_str(), keys, NAMESPACE, now).map(Some)
    }
}

/// The signature of these bytes, for one purpose.
pub(super) fn signed(payload: &str, key: &Path, namespace: &str) -> Result<String, SignError> {
    let mut command = Command::new(PROGRAM);
    command.args(["-Y", "sign", "-q", "-n", namespace, "-f"]).arg(key);
    let output = fed(&mut command, payload).map_err(SignError::Run)?;
    if !output.status.success() {
        return Err(SignError::Refused(last_words(&output)));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The fingerprint of the key that signed, if the person may sign with it, for this purpose, both then and now.
pub(super) fn verified_since(
    payload: &str,
    signature: &str,
    person: &str,
    keys: &Keys<'_>,
    namespace: &str,
    then: Timestamp,
    now: Timestamp,
) -> Result<String, String> {
    verified(payload, signature, person, keys, namespace, then)?;
    verified(payload, signature, person, keys, namespace, now)
}

/// The same at one time.
pub(super) fn verified(
    payload: &str,
    signature: &str,
    person: &str,
    keys: &Keys<'_>,
    namespace: &str,
    at: Timestamp,
) -> Result<String, String> {
    let cannot = |error: io::Error| format!("{PROGRAM}: {error}");
    for file in [Some(keys.allowed), keys.revoked].into_iter().flatten() {
        toml_file::open_regular(file).map_err(|error| format!("{}: {error}", file.display()))?;
    }
    let file = written(signature.as_bytes()).map_err(cannot)?;
    let at = at.strftime("%Y%m%d%H%M%SZ").to_string();
    let mut command = Command::new(PROGRAM);
    command.args(["-Y", "verify", "-n", namespace, "-I", person]).arg(format!("-Overify-time={at}"));
    command.arg("-f").arg(keys.allowed).arg("-s").arg(file.path());
    if let Some(revoked) = keys.revoked {
        command.arg("-r").arg(revoked);
    }
    let output = fed(&mut command, payload).map_err(cannot)?;
    if !output.status.success() {
        return Err(last_words(&output));
    }
    // Good "trueup-approval" signature for alice with ED25519 key SHA256:…
    let said = String::from_utf8_lossy(&output.stdout);
    let key = said.split_whitespace().find(|word| word.starts_with("SHA256:"));
    key.map(str::to_owned).ok_or_else(|| format!("{PROGRAM} names no key: {}", said.trim()))
}

/// The principals whose keys made a signature, whatever it is of.
pub(super) fn people(signature: &str, allowed: &Path) -> Result<Vec<String>, String> {
    let cannot = |error: io::Error| format!("{PROGRAM}: {error}");
    toml_file::open_regular(allowed).map_err(|error| format!("{}: {error}", allowed.display()))?;
    let file = written(signature.as_bytes()).map_err(cannot)?;
    let mut command = Command::new(PROGRAM);
    command.args(["-Y", "find-principals", "-f"]).arg(allowed).arg("-s").arg(file.path());
    let output = fed(&mut command, "").map_err(cannot)?;
    // it ends with an error where there is none
    let said = String::from_utf8_lossy(&output.stdout);
    Ok(said.lines().flat_map(|line| line.split(',')).map(str::to_owned).collect())
}

/// A file with these bytes, for the program to read.
pub(super) fn written(bytes: &[u8]) -> io::Result<NamedTempFile> {
    let mut file = NamedTempFile::new()?;
    file.write_all(bytes)?;
    Ok(file)
}

/// Runs it with this as its input. What it asks a person for, a passphrase, it asks on the terminal.
fn fed(command: &mut Command, input: &str) -> io::Result<Output> {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    if let Some(mut pipe) = child.stdin.take() {
        // one that ends before it has read all says why itself
        match pipe.write_all(input.as_bytes()) {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => return Err(error),
            _ => {}
        }
    }
    child.wait_with_output()
}

fn last_words(output: &Output) -> String {
    let said = [&output.stderr, &output.stdout].map(|bytes| String::from_utf8_lossy(bytes).trim().to_owned());
    let words = said.into_iter().find(|words| !words.is_empty()).unwrap_or_else(|| output.status.to_string());
    words.lines().last().unwrap_or_default().to_owned()
}
