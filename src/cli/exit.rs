//! Exit codes, and which error has which.

use std::process::ExitCode;

use trueup::{
    apply::{ApplyError, Refusal},
    approval::{ApprovalError, BadApprover},
    config::UnknownEnvironment,
    journal::JournalError,
    plan::FolderError,
    postgres::{ConnectError, ScratchError},
    report,
    toml_file::TomlError,
};

/// How the program ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Done, or nothing to do.
    Done = 0,
    /// An error.
    Error = 1,
    /// With `--exit-code`: differences, or work that is pending.
    Pending = 2,
    /// Not approved, stale, policy, preflight, a question.
    Refused = 3,
    /// Stopped part-way, and can go on.
    Stopped = 4,
    /// With `status --exit-code`: somebody has changed the database.
    Drifted = 5,
    /// With `status --exit-code`: a plan is between its phases.
    Between = 6,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(exit as u8)
    }
}

/// What went wrong, as it is printed: `error: …`, more lines, `hint: …`.
#[derive(Debug)]
pub struct CliError {
    /// How the program ends.
    pub exit: Exit,
    /// What and where, in one line.
    pub message: String,
    /// More about it, if there is more.
    pub details: String,
    /// What to do next.
    pub hint: Option<String>,
}

impl CliError {
    /// An error without more to say.
    pub fn new(message: impl Into<String>) -> Self {
        Self { exit: Exit::Error, message: message.into(), details: String::new(), hint: None }
    }

    /// The same with a hint.
    pub fn with_hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    /// The same as a refusal.
    pub fn refused(self) -> Self {
        Self { exit: Exit::Refused, ..self }
    }
}

impl From<std::io::Error> for CliError {
    fn from(error: std::io::Error) -> Self {
        Self::new(error.to_string())
    }
}

impl From<TomlError> for CliError {
    fn from(error: TomlError) -> Self {
        Self { hint: error.hint(), ..Self::new(error.to_string()) }
    }
}

impl From<UnknownEnvironment> for CliError {
    fn from(error: UnknownEnvironment) -> Self {
        Self::new(error.to_string()).with_hint(error.hint())
    }
}

impl From<FolderError> for CliError {
    fn from(error: FolderError) -> Self {
        // a plan that was changed is refused as one that was not approved is
        let exit = match error {
            FolderError::Plan(TomlError::Content { .. })
            | FolderError::Differs { .. }
            | FolderError::Occupied { .. } => Exit::Refused,
            _ => Exit::Error,
        };
        Self { exit, hint: error.hint(), ..Self::new(error.to_string()) }
    }
}

impl From<BadApprover> for CliError {
    fn from(error: BadApprover) -> Self {
        Self::new(error.to_string()).with_hint(error.hint())
    }
}

impl From<ApprovalError> for CliError {
    fn from(error: ApprovalError) -> Self {
        let exit = match error {
            ApprovalError::File(_) | ApprovalError::Name { .. } => Exit::Refused,
            ApprovalError::Unwritable { .. } | ApprovalError::Io { .. } => Exit::Error,
        };
        Self { exit, ..Self::new(error.to_string()) }
            .with_hint("approvals are written by `trueup approve`, not by hand")
    }
}

impl From<ConnectError> for CliError {
    fn from(error: ConnectError) -> Self {
        Self::new(error.to_string()).with_hint(error.hint())
    }
}

impl From<ScratchError> for CliError {
    fn from(error: ScratchError) -> Self {
        Self::new(error.to_string()).with_hint(error.hint())
    }
}

impl From<JournalError> for CliError {
    fn from(error: JournalError) -> Self {
        let exit = if error.is_refusal() { Exit::Refused } else { Exit::Error };
        Self { exit, hint: error.hint(), ..Self::new(error.to_string()) }
    }
}

impl From<ApplyError> for CliError {
    fn from(error: ApplyError) -> Self {
        let exit = match &error {
            ApplyError::Refused(_) => Exit::Refused,
            ApplyError::Journal(error) if error.is_refusal() => Exit::Refused,
            ApplyError::Stopped { .. } => Exit::Stopped,
            ApplyError::Connect(_)
            | ApplyError::Failed { .. }
            | ApplyError::Approval(_)
            | ApplyError::Sign(_)
            | ApplyError::Journal(_)
            | ApplyError::Read(_)
            | ApplyError::Query { .. } => Exit::Error,
        };
        Self { exit, message: error.to_string(), details: details(&error), hint: error.hint() }
    }
}

fn details(error: &ApplyError) -> String {
    match error {
        ApplyError::Refused(refusal) => match refusal.as_ref() {
            Refusal::NotApproved { missing, .. } => missing
                .iter()
                .skip(1)
                .flat_map(|missing| ["  ".to_owned(), missing.to_string(), "\n".to_owned()])
                .collect(),
            Refusal::Stale(differences) => report::text::differences(differences, false),
            _ => String::new(),
        },
        ApplyError::Stopped { why: trueup::apply::Why::Differs(differences), .. } => {
            report::text::differences(differences, false)
        }
        _ => String::new(),
    }
}
