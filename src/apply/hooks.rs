//! `[hooks]`: commands that are told of each phase, and may refuse it.

use std::{path::Path, process::Stdio};

use serde::Serialize;
use tokio::io::AsyncWriteExt;

use super::error::Refusal;
use crate::{config, journal::Direction, plan::PlanFile, step::Phase};

/// The commands, and where they are run.
#[derive(Debug, Clone, Copy, Default)]
pub struct Hooks<'a> {
    /// What trueup.toml says, and its folder, if there are any.
    pub commands: Option<(&'a config::Hooks, &'a Path)>,
}

/// What a hook is told, as JSON on its standard input.
#[derive(Debug, Serialize)]
pub(super) struct Told<'a> {
    /// `before`, `after` or `failure`.
    pub event: &'a str,
    /// The plan's name.
    pub plan: &'a str,
    /// Its digest.
    pub digest: &'a str,
    /// The database, without a password.
    pub database: &'a str,
    /// The phase.
    pub phase: Phase,
    /// `apply` or `rollback`.
    pub direction: Direction,
    /// How many steps of the phase are to run, or did.
    pub steps: usize,
    /// Who broke the glass, where approvals are missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub glass: Option<&'a str>,
    /// What went wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

impl<'a> Told<'a> {
    /// What is the same for all events of a phase.
    pub fn new(
        plan: &'a PlanFile,
        database: &'a str,
        phase: Phase,
        direction: Direction,
        steps: usize,
    ) -> Self {
        let digest = plan.digest.as_str();
        Self {
            event: "before",
            plan: &plan.plan.name,
            digest,
            database,
            phase,
            direction,
            steps,
            glass: None,
            error: None,
        }
    }
}

impl Hooks<'_> {
    /// Before a phase: a refusal unless the command ends with 0.
    pub(super) async fn before(&self, told: &Told<'_>) -> Result<(), Refusal> {
        let Some((Some(command), folder)) = self.commands.map(|(all, folder)| (all.before.as_ref(), folder))
        else {
            return Ok(());
        };
        run(command, folder, told).await.map_err(|why| Refusal::Hook { command: command.clone(), why })
    }

    /// When a phase is done: what went wrong with the command, if anything did.
    pub(super) async fn after(&self, told: Told<'_>) -> Option<String> {
        let (all, folder) = self.commands?;
        run(all.after.as_ref()?, folder, &Told { event: "after", ..told }).await.err()
    }

    /// When one stopped.
    pub(super) async fn failure(&self, told: Told<'_>, error: String) -> Option<String> {
        let (all, folder) = self.commands?;
        run(all.failure.as_ref()?, folder, &Told { event: "failure", error: Some(error), ..told }).await.err()
    }
}

/// Runs a command to its end. Its output goes where trueup's own remarks go.
async fn run(command: &str, folder: &Path, told: &Told<'_>) -> Result<(), String> {
    let words = |error: std::io::Error| error.to_string();
    let mut child = tokio::process::Command::new("sh")
        .args(["-c", command])
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .map_err(words)?;
    if let Some(mut input) = child.stdin.take() {
        let json = serde_json::to_vec(told).map_err(|error| error.to_string())?;
        // one that does not read it closes it: that is its business
        let _ = input.write_all(&json).await;
    }
    let status = child.wait().await.map_err(words)?;
    if status.success() { Ok(()) } else { Err(status.to_string()) }
}
