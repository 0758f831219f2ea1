//! Rollback: undoes what was done, last step first, once somebody has said yes to what that costs.

use super::{ApplyError, Leg, Outcome, Passed, Progress, Run};
use crate::{journal, plan::staleness::Point};

impl Run<'_> {
    pub(super) async fn rollback(&mut self, progress: &mut impl Progress) -> Result<Outcome, ApplyError> {
        let plan = &self.options.plan.plan;
        let Passed { phases, covered, batches, .. } = self.pass(progress).await?;
        if phases.is_empty() {
            return Ok(Outcome::Nothing { position: self.state.position(plan), next: None });
        }
        if self.options.dry_run {
            return Ok(Outcome::WouldRun(batches.concat()));
        }
        journal::ensure(&self.session).await?;
        journal::backfill::forget(&self.session, &self.options.plan.digest).await?;
        let mut steps = 0;
        for (at, phase) in phases.iter().enumerate() {
            let end = Point::before(*phase, &plan.phases());
            let (batches, covered) = (&batches[at], &covered[at]);
            let leg = Leg { phase: *phase, batches, covered, backup: None, end };
            let ran = self.run_phase(&leg, progress).await;
            steps += ran.map_err(|error| if at > 0 { self.part_way(error, *phase) } else { error })?;
        }
        let costs = std::mem::take(&mut self.costs);
        Ok(Outcome::Done { next: phases.last().copied(), phases, steps, costs })
    }
}
