//! Rollback: undoes what was done, last step first, once somebody has said yes to what that costs.

use super::{
    ApplyError, Consent, Event, Leg, Outcome, Progress, Refusal, Run, Which, cost, point, preflight,
};
use crate::{
    approval::{Covered, Way},
    journal::{self, Position},
    plan::staleness::Point,
    run,
    step::{DataCheck, Phase},
};

impl Run<'_> {
    pub(super) async fn rollback(&mut self, progress: &mut impl Progress) -> Result<Outcome, ApplyError> {
        let plan = &self.options.plan.plan;
        self.settle().await?;
        let position = self.state.position(plan);
        let current = match position {
            Position::NotRun | Position::RolledBack => return Ok(Outcome::Nothing { position, next: None }),
            Position::Within(phase) | Position::After(phase) => phase,
        };
        let mut phases: Vec<Phase> =
            plan.phases().into_iter().rev().filter(|phase| *phase <= current).collect();
        if let Which::One(wanted) = self.options.which {
            if !plan.phases().contains(&wanted) {
                return Err(Refusal::NoSuchPhase(wanted).into());
            }
            if wanted < current {
                return Err(Refusal::PhaseAfter(current).into());
            }
            phases.retain(|phase| *phase == wanted);
            if phases.is_empty() {
                return Ok(Outcome::Nothing { position, next: None });
            }
        }
        let permission = self.permission().await?;
        let approvals = if permission.policy.rollback {
            permission.check_all(self.options.plan, &phases, Way::Back)?
        } else {
            vec![Covered::default(); phases.len()]
        };
        preflight::must::privileges(&self.session, plan).await?;
        let live = self.refuse_if_stale(point(position), progress).await?;
        let is_done = |check: &&DataCheck| {
            let mut steps = plan.steps.iter().filter(|step| step.object == check.object);
            steps.any(|step| step.phase == check.phase && self.state.done.contains(&step.id))
        };
        let checks = plan.data_checks.iter().filter(|check| check.back && phases.contains(&check.phase));
        let rows = run::in_the_way(&self.session, checks.filter(is_done)).await;
        let rows = rows.map_err(|source| ApplyError::Query { what: "looking at the data", source })?;
        if !rows.is_empty() {
            return Err(Refusal::NoWayBack(rows).into());
        }
        let costs = cost::of(&self.session, self.steps_left(&phases).rev(), &live).await;
        self.costs =
            costs.map_err(|source| ApplyError::Query { what: "counting what would be lost", source })?;
        self.refuse_losses(permission.policy.rollback, progress)?;
        self.look_around(&preflight::Needs::back(self.steps_left(&phases)), progress).await?;
        let batches = self.batches(&phases)?;
        if self.options.dry_run {
            return Ok(Outcome::WouldRun(batches.concat()));
        }
        journal::ensure(&self.session).await?;
        journal::backfill::forget(&self.session, &self.options.plan.digest).await?;
        let mut steps = 0;
        for (at, phase) in phases.iter().enumerate() {
            let end = Point::before(*phase, &plan.phases());
            let (batches, covered) = (&batches[at], &approvals[at]);
            let leg = Leg { phase: *phase, batches, covered, backup: None, end };
            let ran = self.run_phase(&leg, progress).await;
            steps += ran.map_err(|error| if at > 0 { self.part_way(error, *phase) } else { error })?;
        }
        let costs = std::mem::take(&mut self.costs);
        Ok(Outcome::Done { next: phases.last().copied(), phases, steps, costs })
    }

    /// Says what the rollback costs, and refuses it unless that is accepted: here, or by its approvals, where policy asks for
    /// some.
    fn refuse_losses(&self, approved: bool, progress: &mut impl Progress) -> Result<(), Refusal> {
        let costs = &self.costs[..];
        if costs.is_empty() {
            return Ok(());
        }
        progress.event(Event::Costs(costs));
        let accepted = match self.options.consent {
            Consent::Accepted => true,
            // what was lost by the apply was accepted then
            Consent::NoNewLoss => costs.iter().all(|cost| cost.gone),
            Consent::Ask => approved || self.options.dry_run || progress.accepts(),
        };
        if accepted { Ok(()) } else { Err(Refusal::Loses(costs.to_vec())) }
    }
}
