//! What it means that a run did not come to its end: nothing was changed, or it stopped part-way and can go on.

use std::collections::BTreeSet;

use super::{ApplyError, Run, Standing, Why};
use crate::{
    journal::{self, Direction, Ended, JournalError, RunId},
    run::RunError,
    step::Phase,
};

/// How the batches of a phase did not come to their end.
pub(super) enum Ending {
    /// A batch failed.
    Run(RunError),
    /// Something else stopped them.
    Part(Why),
    /// The error is complete already.
    Error(ApplyError),
}

impl Run<'_> {
    pub(super) fn asking_failed(&self, source: tokio_postgres::Error) -> Ending {
        self.journal_failed(JournalError::from(source))
    }

    pub(super) fn journal_failed(&self, error: JournalError) -> Ending {
        Ending::Part(Why::journal(&self.session, error))
    }

    /// Tells the three kinds of failure apart, and writes the end of the run where that is still possible.
    pub(super) async fn ended(&mut self, ending: Ending, run: RunId, phase: Phase) -> ApplyError {
        let steps: BTreeSet<u32> = self
            .options
            .plan
            .plan
            .steps
            .iter()
            .filter(|step| step.phase == phase)
            .map(|step| step.id)
            .collect();
        let done = self.state.done.intersection(&steps).count();
        let untouched = match self.direction {
            Direction::Apply => done == 0,
            Direction::Rollback => false,
        };
        let lost = self.session.is_closed();
        // a step outside a transaction may have been cut off; the journal knows
        let in_doubt = if lost { None } else { self.in_doubt().await };
        let untouched = untouched && in_doubt.is_none();
        let error = match ending {
            Ending::Error(error) => return error,
            Ending::Run(error)
                if !error.is_lost() && !lost && untouched && !matches!(error, RunError::Cancelled) =>
            {
                ApplyError::Failed { error }
            }
            ending => {
                let why = match ending {
                    Ending::Run(RunError::Stopped | RunError::Cancelled) => Why::Asked,
                    Ending::Run(error) => Why::Run(error),
                    Ending::Part(why) => why,
                    Ending::Error(error) => return error,
                };
                let back = self.direction == Direction::Rollback;
                ApplyError::Stopped {
                    why,
                    standing: Standing { phase, done, steps: steps.len(), in_doubt, back },
                }
            }
        };
        if !lost
            && let Err(unwritten) =
                journal::finish(&self.session, run, Ended::Stopped, Some(&error.to_string())).await
        {
            tracing::debug!("the end of the run is not in the journal: {unwritten}");
        }
        error
    }

    /// What stops a phase before its first step, when another one has run: something was changed.
    pub(super) fn part_way(&self, error: ApplyError, phase: Phase) -> ApplyError {
        let why = match error {
            ApplyError::Failed { error } => Why::Run(error),
            ApplyError::Journal(error) => Why::journal(&self.session, error),
            ApplyError::Stopped { .. } | ApplyError::Refused(_) => return error,
            error if self.session.is_closed() => Why::Lost(error.to_string()),
            error => Why::Other(Box::new(error)),
        };
        let steps = self.options.plan.plan.steps.iter().filter(|step| step.phase == phase);
        let (done, steps) = steps.fold((0, 0), |(done, all), step| {
            (done + usize::from(self.state.done.contains(&step.id)), all + 1)
        });
        let back = self.direction == Direction::Rollback;
        ApplyError::Stopped { why, standing: Standing { phase, done, steps, in_doubt: None, back } }
    }

    async fn in_doubt(&self) -> Option<u32> {
        let state = journal::state(&self.session, &self.options.plan.digest).await.ok()?;
        state.in_doubt.map(|doubt| doubt.step)
    }
}
