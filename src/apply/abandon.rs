//! A plan is given up between its phases, or where it stopped: what it did stays, what is left of it will not come.

use std::time::Duration;

use super::{ApplyError, checklist, doubt, error::Refusal, lock, pin};
use crate::{
    journal::{self, Direction, Position},
    plan::{PlanFile, PlannedStep},
    postgres::{Session, Target},
    run::Stop,
    source::live,
};

/// What to abandon, and why.
#[derive(Debug)]
pub struct Options<'a> {
    /// The plan.
    pub plan: &'a PlanFile,
    /// The database.
    pub target: &'a Target,
    /// What the journal says of why.
    pub reason: Option<&'a str>,
    /// How long to wait for another trueup in the same database, or for a backend that an earlier run left busy.
    pub wait: Duration,
    /// The version that the journal names.
    pub tool: &'a str,
}

/// What abandoning came to.
#[derive(Debug)]
pub enum Outcome<'a> {
    /// The plan is at an end of its own, or never began: there is nothing to give up.
    Nothing(Position),
    /// It is written down.
    Abandoned(Left<'a>),
}

/// What there is of a plan that was abandoned.
#[derive(Debug)]
pub struct Left<'a> {
    /// Where it stood.
    pub position: Position,
    /// The steps whose effect stays.
    pub stay: Vec<&'a PlannedStep>,
    /// The steps that are not done, and will not be.
    pub never: Vec<&'a PlannedStep>,
    /// A step that was interrupted, and left neither its beginning nor its end.
    pub in_doubt: Option<u32>,
}

/// Ends a plan where it stands. Nothing in the database is changed but the journal, and what an interrupted index
/// build left behind.
pub async fn abandon<'a>(options: &Options<'a>) -> Result<Outcome<'a>, ApplyError> {
    let session = Session::connect(&options.target.for_trueup()).await?;
    let outcome = abandon_on(&session, options).await;
    session.close().await;
    outcome
}

async fn abandon_on<'a>(session: &Session, options: &Options<'a>) -> Result<Outcome<'a>, ApplyError> {
    let Options { plan: file, reason, wait, tool, .. } = *options;
    checklist::must::primary(session).await?;
    pin(session).await?;
    let stop = Stop::never();
    lock::take(session, wait, &stop).await?;
    let mut state = journal::state(session, &file.digest).await?;
    if let Some(when) = state.abandoned {
        return Err(Refusal::Abandoned(when).into());
    }
    let position = state.position(&file.plan);
    let unfinished = match position {
        Position::NotRun | Position::RolledBack => false,
        Position::Within(_) => true,
        Position::After(phase) => file.plan.phases().last() != Some(&phase),
    };
    if !unfinished {
        return Ok(Outcome::Nothing(position));
    }
    if let Some(doubt) = state.in_doubt.clone() {
        match doubt::settle(session, &file.plan, &doubt, wait, &stop, false).await {
            Ok(done) => {
                let also = match doubt.direction {
                    Direction::Apply => super::with(&file.plan, doubt.step),
                    Direction::Rollback => Vec::new(),
                };
                journal::ensure(session).await?;
                journal::step_ended(session, doubt.row(), done, &also).await?;
                state = journal::state(session, &file.digest).await?;
            }
            // this is what one gives a plan up for
            Err(ApplyError::Refused(refusal)) if matches!(*refusal, Refusal::Doubt { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    let live = live::read_managed(session).await?;
    pin(session).await?;
    journal::ensure(session).await?;
    journal::abandon(session, file, reason, tool).await?;
    super::reach(session, &file.plan, live, tool).await?;
    let in_doubt = state.in_doubt.as_ref().map(|doubt| doubt.step);
    let known = file.plan.steps.iter().filter(|step| in_doubt != Some(step.id));
    let (stay, never) = known.partition(|step| state.done.contains(&step.id));
    Ok(Outcome::Abandoned(Left { position, stay, never, in_doubt }))
}
