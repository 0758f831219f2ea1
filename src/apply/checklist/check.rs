//! One thing that was looked at, and what it came to.

use std::{fmt, time::Duration};

use serde::Serialize;

use super::super::Refusal;
use crate::{
    config::{BACKUP_HOURS, LONG_TRANSACTION_SECONDS},
    visible::visible_line,
};

/// What a check came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// As it should be.
    Pass,
    /// Worth knowing.
    Warn,
    /// The plan may not run.
    Fail,
}

impl Verdict {
    /// In one word.
    pub fn label(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Warn => "warn",
            Self::Fail => "fail",
        }
    }
}

/// What an environment says about its surroundings.
#[derive(Debug, Clone, Copy)]
pub struct Limits<'a> {
    /// A command that prints how many bytes the server's disk has left.
    pub free_space: Option<&'a str>,
    /// A command that proves that there is a backup.
    pub backup: Option<&'a str>,
    /// How old that may be.
    pub backup_age: Duration,
    /// How old a transaction is when it counts as a long one.
    pub long_transaction: Duration,
}

impl Default for Limits<'_> {
    fn default() -> Self {
        Self {
            free_space: None,
            backup: None,
            backup_age: Duration::from_secs(u64::from(BACKUP_HOURS) * 3600),
            long_transaction: Duration::from_secs(LONG_TRANSACTION_SECONDS.into()),
        }
    }
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What: `replication`, always the same word.
    pub name: &'static str,
    /// What it came to.
    pub verdict: Verdict,
    /// What was found.
    pub what: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

impl Check {
    pub(super) fn pass(name: &'static str, what: impl Into<String>) -> Self {
        Self { name, verdict: Verdict::Pass, what: what.into(), next: None }
    }

    pub(in super::super) fn warn(name: &'static str, what: impl Into<String>, next: &str) -> Self {
        Self { name, verdict: Verdict::Warn, what: what.into(), next: Some(next.to_owned()) }
    }

    pub(super) fn fail(name: &'static str, what: impl Into<String>, next: &str) -> Self {
        Self { name, verdict: Verdict::Fail, what: what.into(), next: Some(next.to_owned()) }
    }

    /// One refusal as a check, or that there is none.
    pub(super) fn of(name: &'static str, result: &Result<String, Refusal>) -> Self {
        match result {
            Ok(what) => Self::pass(name, what),
            Err(refusal) => Self::fail(name, refusal.to_string(), &refusal.hint()),
        }
    }
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.name, visible_line(&self.what))
    }
}
