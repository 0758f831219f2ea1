//! What lets a phase run in a database: the policy that holds there, and the approvals as it judges them.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use jiff::Timestamp;

use super::{ApplyError, error::Refusal, preflight::Limits};
use crate::{
    approval::{self, Approval, Covered, Database, Missing, Occasion, Tally, pinned},
    config::Policy,
    journal::{self, Direction},
    plan::{Digest, PlanFile},
    postgres::Session,
    step::Phase,
};

/// The policy that holds, and the approvals that there are.
#[derive(Debug)]
pub struct Permission {
    /// The stricter of trueup.toml's and the pinned one.
    pub policy: Policy,
    /// What trueup.toml says against the pinned one: nothing may run.
    pub contradictions: Vec<String>,
    approvals: Vec<Approval>,
    now: Timestamp,
    /// The database, if one was asked.
    pub database: Option<Database>,
    used: BTreeMap<(Phase, Direction), BTreeSet<Digest>>,
    /// Why the plan is by nobody whose plans count.
    not_planned: Option<String>,
}

impl Permission {
    /// By trueup.toml alone, where no database is asked.
    pub fn by_file(
        plan: &PlanFile,
        policy: &Policy,
        approvals: &[Approval],
        now: Timestamp,
    ) -> Result<Self, ApplyError> {
        Ok(Self {
            not_planned: pinned::not_planned(None, policy, plan, now)?,
            policy: policy.clone(),
            contradictions: Vec::new(),
            approvals: approvals.to_vec(),
            now,
            database: None,
            used: BTreeMap::new(),
        })
    }

    /// By trueup.toml and what is pinned in the database.
    pub async fn in_database(
        session: &Session,
        plan: &PlanFile,
        policy: &Policy,
        approvals: &[Approval],
        now: Timestamp,
    ) -> Result<Self, ApplyError> {
        let pinned = journal::policy(session).await?;
        let not_planned = pinned::not_planned(pinned.as_ref(), policy, plan, now)?;
        let contradictions = pinned.as_ref().map(|pinned| pinned.contradicted_by(policy)).unwrap_or_default();
        let (policy, approvals) = pinned::under(pinned.as_ref(), policy, approvals, now)?;
        let database = if policy.bound_to_database || approvals.iter().any(|it| it.database.is_some()) {
            Some(journal::database(session).await?)
        } else {
            None
        };
        let used = if policy.single_use {
            journal::used_approvals(session, &plan.digest).await?
        } else {
            BTreeMap::new()
        };
        Ok(Self { policy, contradictions, approvals, now, database, used, not_planned })
    }

    /// Refuses what contradicts the pinned policy.
    pub fn not_contradicted(&self) -> Result<(), Refusal> {
        if self.contradictions.is_empty() {
            Ok(())
        } else {
            Err(Refusal::Contradicts(self.contradictions.clone()))
        }
    }

    /// How long no code may have written by a name that contract takes away: the longest that anybody asks for.
    pub fn quiet(&self, asked: Duration) -> Duration {
        let minutes = self.policy.around.as_ref().map_or(0, |around| around.quiet_minutes);
        asked.max(Duration::from_secs(60 * u64::from(minutes)))
    }

    /// What the environment says about its surroundings, with the youngest backup that anybody asks for.
    pub fn limits<'l>(&self, asked: Limits<'l>) -> Limits<'l> {
        let hours = self.policy.around.as_ref().map_or(u32::MAX, |around| around.backup_hours);
        Limits { backup_age: asked.backup_age.min(Duration::from_secs(3600 * u64::from(hours))), ..asked }
    }

    /// The approvals that let this phase of the plan run, or what is missing.
    pub fn check(
        &self,
        plan: &PlanFile,
        phase: Phase,
        direction: Direction,
    ) -> Result<Covered, Vec<Missing>> {
        self.planned()?;
        self.tally(plan, phase, direction).covered()
    }

    /// Whether the plan is by somebody whose plans count.
    pub fn planned(&self) -> Result<(), Vec<Missing>> {
        self.not_planned.clone().map_or(Ok(()), |why| Err(vec![Missing::Planner(why)]))
    }

    /// What the approvals of this phase come to.
    pub fn tally(&self, plan: &PlanFile, phase: Phase, direction: Direction) -> Tally {
        let none = BTreeSet::new();
        let used = self.used.get(&(phase, direction)).unwrap_or(&none);
        let occasion = Occasion { phase, direction, now: self.now, database: self.database.as_ref(), used };
        approval::tally(plan, &self.approvals, &self.policy, &occasion)
    }
}
