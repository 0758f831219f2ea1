//! What to apply or roll back, how, and what it came to.

use std::time::Duration;

use jiff::Timestamp;

use super::{cost::Cost, hooks, preflight, promotion::Before};
use crate::{
    approval::Approval,
    config::{Policy, Shaping},
    journal::Position,
    plan::PlanFile,
    postgres::Target,
    run::{Batch, Retry, Stop},
    secret::Secrets,
    step::Phase,
};

/// Which phases to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// Applying: expand, never contract. Rolling back: everything that ran.
    Default,
    /// This one.
    One(Phase),
    /// All of them.
    All,
}

/// Whether what a rollback loses is accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Consent {
    /// Whoever waits is asked ([`super::Progress::accepts`]), unless the approvals of the rollback have it.
    Ask,
    /// It is.
    Accepted,
    /// What was lost on the way there is; what would go now is not.
    NoNewLoss,
}

/// What to apply or roll back, where, and how.
#[derive(Debug, Clone)]
pub struct Options<'a> {
    /// The plan.
    pub plan: &'a PlanFile,
    /// The database.
    pub target: &'a Target,
    /// Which phases.
    pub which: Which,
    /// Where each phase must be done before it is applied.
    pub after: &'a [Before],
    /// The approvals that there are. A rollback needs none of its own, unless policy says so.
    pub approvals: &'a [Approval],
    /// What they must amount to.
    pub policy: &'a Policy,
    /// What of the environment would have shaped the plan, had it been made for it.
    pub shaping: &'a Shaping,
    /// How long nobody may have written by a name that contract takes away.
    pub quiet: Duration,
    /// The time, for approvals that expire.
    pub now: Timestamp,
    /// How long to wait for another trueup in the same database, or for a backend that an earlier run left busy.
    pub wait: Duration,
    /// What to do about locks that do not come.
    pub retry: Retry,
    /// What the environment says about its surroundings.
    pub limits: preflight::Limits<'a>,
    /// What is run beside the phases.
    pub hooks: hooks::Hooks<'a>,
    /// The secrets that statements may need.
    pub secrets: &'a Secrets,
    /// Whether a rollback may lose rows and values.
    pub consent: Consent,
    /// Whether contract may run although code still writes by names that it takes away.
    pub old_names_accepted: bool,
    /// What the journal says of why it is run.
    pub note: Option<&'a str>,
    /// Asked between batches and between tries.
    pub stop: Stop,
    /// Check everything, run nothing, write nothing.
    pub dry_run: bool,
    /// The version that the journal names.
    pub tool: &'a str,
}

/// What a run came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// There was nothing to do.
    Nothing {
        /// Where the plan stands.
        position: Position,
        /// The phase that remains.
        next: Option<Phase>,
    },
    /// These phases ran to their end, each proven, in this order.
    Done {
        /// The phases.
        phases: Vec<Phase>,
        /// How many steps ran, this time.
        steps: usize,
        /// The phase that remains.
        next: Option<Phase>,
        /// What it cost: of a rollback.
        costs: Vec<Cost>,
    },
    /// With `dry_run`: what would run.
    WouldRun(Vec<Batch>),
}
