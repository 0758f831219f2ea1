//! SSH signatures of approvals, by OpenSSH's own program: keys of every kind that it has, agents, hardware keys, and the
//! rules of an `allowed_signers` file (ssh-keygen(1), ALLOWED SIGNERS) are its business, as they are for git.

use std::{
    io::{self, Write},
    path::Path,
    process::{Command, Output, Stdio},
};

use super::Approval;
use crate::visible::visible_line;

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
    Good,
    /// It is not, and why.
    Bad(String),
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

impl Approval {
    /// The bytes that are signed: the file without its signature, and without what takes it back.
    pub fn payload(&self) -> Result<String, super::ApprovalError> {
        Self { signature: None, revoked: None, signed: Signed::No, ..self.clone() }.text()
    }

    /// Signs it with a private key, or by an agent with the public one.
    pub fn sign(&mut self, key: &Path) -> Result<(), SignError> {
        let mut command = Command::new(PROGRAM);
        command.args(["-Y", "sign", "-q", "-n", NAMESPACE, "-f"]).arg(key);
        let output = fed(&mut command, &self.payload()?).map_err(SignError::Run)?;
        if !output.status.success() {
            return Err(SignError::Refused(last_words(&output)));
        }
        self.signature = Some(String::from_utf8_lossy(&output.stdout).into_owned());
        Ok(())
    }

    /// Whether it is signed by a key that the file allows the approver, at the time that the approval says.
    pub fn verify(&mut self, allowed_signers: &Path) {
        let Some(signature) = &self.signature else { return };
        self.signed = match self.verified(signature, allowed_signers) {
            Ok(()) => Signed::Good,
            Err(why) => Signed::Bad(why),
        };
    }

    fn verified(&self, signature: &str, allowed_signers: &Path) -> Result<(), String> {
        let cannot = |error: io::Error| format!("{PROGRAM}: {error}");
        if let Err(error) = std::fs::metadata(allowed_signers) {
            return Err(format!("{}: {error}", allowed_signers.display()));
        }
        let mut file = tempfile::NamedTempFile::new().map_err(cannot)?;
        file.write_all(signature.as_bytes()).map_err(cannot)?;
        let at = self.created.strftime("%Y%m%d%H%M%SZ").to_string();
        let mut command = Command::new(PROGRAM);
        command.args(["-Y", "verify", "-n", NAMESPACE, "-I", self.approver.as_str()]);
        command.arg(format!("-Overify-time={at}")).arg("-f").arg(allowed_signers).arg("-s").arg(file.path());
        let payload = self.payload().map_err(|error| error.to_string())?;
        let output = fed(&mut command, &payload).map_err(cannot)?;
        if output.status.success() { Ok(()) } else { Err(last_words(&output)) }
    }
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
