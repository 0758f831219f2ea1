//! Where a plan must have been before: in staging before production. Its journal is asked, by the plan's digest.

use jiff::Timestamp;

use super::{ApplyError, Refusal, standing_words};
use crate::{
    journal::{self, Direction, Ended, Position},
    plan::PlanFile,
    postgres::{Session, Target},
    step::Phase,
};

/// An environment that comes first.
#[derive(Debug, Clone)]
pub struct Before {
    /// Its name.
    pub environment: String,
    /// Its database.
    pub target: Target,
}

/// When a plan was proven in an environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proven {
    /// The environment.
    pub environment: String,
    /// The end of the phase there.
    pub at: Timestamp,
    /// How long its runs took, in seconds.
    pub seconds: i64,
    /// The steps that took longest, of those that took a second or more: the step, and how many seconds.
    pub longest: Vec<(u32, u64)>,
}

/// How many of the longest steps are named.
const LONGEST: usize = 3;

impl std::fmt::Display for Proven {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { environment, at, seconds, longest } = self;
        write!(f, "done in {environment} on {}, in {seconds} s", at.strftime("%Y-%m-%d %H:%M:%S UTC"))?;
        let longest: Vec<String> =
            longest.iter().map(|(step, seconds)| format!("step {step} {seconds} s")).collect();
        if longest.is_empty() { Ok(()) } else { write!(f, " ({})", longest.join(", ")) }
    }
}

/// Where each phase that would begin has to be done before. One that has begun goes on: it was asked then.
pub fn pending<'a>(
    after: &'a [Before],
    phases: &'a [Phase],
    position: Position,
) -> impl Iterator<Item = (&'a Before, Phase)> {
    let begin = move |phase: &Phase| position != Position::Within(*phase);
    after
        .iter()
        .flat_map(move |before| phases.iter().copied().filter(begin).map(move |phase| (before, phase)))
}

/// Asks an environment whether this phase of a plan is done there, to its end.
pub async fn proven(before: &Before, plan: &PlanFile, phase: Phase) -> Result<Proven, ApplyError> {
    let environment = before.environment.clone();
    let refused = |why: String| Refusal::NotPromoted { environment: before.environment.clone(), why };
    // what cannot be asked has not said yes
    let session = match Session::connect(&before.target.for_trueup()).await {
        Ok(session) => session,
        Err(error) => return Err(refused(format!("cannot be asked: {error}")).into()),
    };
    let place = session.place().to_owned();
    let state = journal::state(&session, &plan.digest).await?;
    let history = journal::history(&session).await?;
    let steps = journal::steps(&session, Some(&plan.digest)).await?;
    if let Some(when) = state.abandoned {
        let when = when.strftime("%Y-%m-%d %H:%M:%SZ");
        return Err(refused(format!("it was abandoned there ({place}) on {when}")).into());
    }
    let position = state.position(&plan.plan);
    if !matches!(position, Position::After(done) if done >= phase) {
        return Err(refused(format!(
            "its phase {} is not done there ({place}): {}",
            phase.label(),
            standing_words(position)
        ))
        .into());
    }
    let by_psql = history
        .iter()
        .rev()
        .find(|run| run.plan == plan.digest.as_str())
        .is_some_and(journal::Run::is_by_psql);
    // psql has proven nothing: that is made up for
    let differences = if by_psql { super::staleness(&session, plan).await?.1 } else { Vec::new() };
    session.close().await;
    if !differences.is_empty() {
        return Err(refused(format!(
            "psql ran its phase {} there ({place}), and what it left is not what the plan says: {}",
            phase.label(),
            super::in_short(&differences)
        ))
        .into());
    }
    let of_phase = |run: &&journal::Run| {
        run.plan == plan.digest.as_str() && run.phase == phase && run.direction == Direction::Apply
    };
    let runs: Vec<&journal::Run> = history.iter().filter(of_phase).collect();
    let took = |run: &&journal::Run| run.finished.map_or(0, |end| end.duration_since(run.started).as_secs());
    let last = runs.iter().rev().find(|run| run.outcome == Some(Ended::Done));
    let at = last.and_then(|run| run.finished).unwrap_or_default();
    let of_runs = steps.iter().filter(|step| runs.iter().any(|run| run.id == step.run));
    let mut longest: Vec<(u32, u64)> = of_runs
        .filter_map(|step| Some((step.step, step.took()?.as_secs())))
        .filter(|(_, took)| *took > 0)
        .collect();
    longest.sort_by_key(|(step, took)| (std::cmp::Reverse(*took), *step));
    longest.truncate(LONGEST);
    Ok(Proven { environment, at, seconds: runs.iter().map(took).sum(), longest })
}
