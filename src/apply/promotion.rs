//! Where a plan must have been before: in staging before production. Its journal is asked, by the plan's digest; where it
//! cannot be reached, the receipt counts that `apply` has written there.

use jiff::Timestamp;

use super::{ApplyError, Refusal, standing_words};
use crate::{
    approval::{pinned::Pinned, receipt::Receipt},
    config::Policy,
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
    /// Its database; else why there is none to ask: a variable that is not set here.
    pub target: Result<Target, String>,
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
    /// By what that is known, where the environment could not be asked.
    pub by: Option<String>,
}

/// How many of the longest steps are named.
const LONGEST: usize = 3;

impl std::fmt::Display for Proven {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { environment, at, seconds, longest, by } = self;
        write!(f, "done in {environment} on {}, in {seconds} s", at.strftime("%Y-%m-%d %H:%M:%S UTC"))?;
        let longest: Vec<String> =
            longest.iter().map(|(step, seconds)| format!("step {step} {seconds} s")).collect();
        if !longest.is_empty() {
            write!(f, " ({})", longest.join(", "))?;
        }
        by.as_ref().map_or(Ok(()), |by| write!(f, ", by {by}"))
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

/// What is asked about a receipt.
#[derive(Debug, Clone, Copy)]
pub struct Trust<'a> {
    /// The policy that is pinned where the plan is to be applied.
    pub pinned: Option<&'a Pinned>,
    /// What trueup.toml says.
    pub policy: &'a Policy,
    /// The time.
    pub now: Timestamp,
}

/// Whether this phase of a plan is done in an environment, to its end: its journal tells, else a receipt.
pub async fn proven(
    before: &Before,
    plan: &PlanFile,
    phase: Phase,
    trust: Trust<'_>,
) -> Result<Proven, ApplyError> {
    let connected = match &before.target {
        Ok(target) => Session::connect(&target.for_trueup()).await.map_err(|error| error.to_string()),
        Err(why) => Err(why.clone()),
    };
    match connected {
        Ok(session) => {
            let asked = asked(&session, &before.environment, plan, phase).await;
            session.close().await;
            asked
        }
        // what cannot be asked has not said yes
        Err(why) => by_receipt(before, plan, phase, trust, &why),
    }
}

/// By the receipt in the plan's folder.
fn by_receipt(
    before: &Before,
    plan: &PlanFile,
    phase: Phase,
    trust: Trust<'_>,
    unasked: &str,
) -> Result<Proven, ApplyError> {
    let environment = before.environment.clone();
    let refused = |why: String| {
        let why = format!("cannot be asked: {unasked}; and {why}");
        Refusal::NotPromoted { environment: before.environment.clone(), phase, why }
    };
    let read = Receipt::read(plan, &environment, phase).map_err(|error| refused(error.to_string()))?;
    let Some(receipt) = read else {
        let why = format!("the plan's folder has no receipt of its phase {} there", phase.label());
        return Err(refused(why).into());
    };
    let signer = match receipt.signer(trust.pinned, trust.policy, trust.now)? {
        Ok(signer) => signer,
        Err(why) => return Err(refused(format!("its receipt does not count: {why}")).into()),
    };
    let by = match signer {
        Some(person) => format!("a receipt that {person} has signed"),
        None => "a receipt".to_owned(),
    };
    let by = Some(format!("{by}, since it cannot be asked: {unasked}"));
    Ok(Proven { environment, at: receipt.done, seconds: receipt.seconds, longest: receipt.longest, by })
}

/// Asks an environment whether this phase of a plan is done there, to its end.
pub async fn asked(
    session: &Session,
    environment: &str,
    plan: &PlanFile,
    phase: Phase,
) -> Result<Proven, ApplyError> {
    let environment = environment.to_owned();
    let refused = |why: String| Refusal::NotPromoted { environment: environment.clone(), phase, why };
    let place = session.place().to_owned();
    let state = journal::state(session, &plan.digest).await?;
    let history = journal::history(session).await?;
    let steps = journal::steps(session, Some(&plan.digest)).await?;
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
    let differences = if by_psql { super::staleness(session, plan).await?.1 } else { Vec::new() };
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
    Ok(Proven { environment, at, seconds: runs.iter().map(took).sum(), longest, by: None })
}
