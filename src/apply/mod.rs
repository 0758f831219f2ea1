//! A plan on its target: applied phase by phase, resumed, rolled back.
//!
//! All of it happens on one dedicated session that holds an advisory lock. What the journal says about the plan's
//! digest decides where to start; what the plan recorded decides whether the database is still the one it was made
//! for. A batch and its lines in the journal are one transaction, so that a run that dies at any instant can go on
//! from exactly there. A phase is done only once the catalog equals its checkpoint.
//!
//! Three kinds of failure are kept apart, since people react to them differently: refused (nothing was changed, and
//! nothing will be until something else is done), failed (nothing was changed), stopped part-way (go on or go back).

pub mod abandon;
pub mod adopt;
mod aftermath;
mod assumptions;
pub mod audit;
pub mod checklist;
pub mod cost;
mod doubt;
mod ending;
mod error;
pub mod gate;
mod guard;
pub mod hooks;
mod keeper;
mod lock;
mod options;
pub mod permission;
pub mod preflight;
mod progress;
pub mod promotion;
pub mod protect;
mod rollback;
pub mod roster;

use std::{collections::BTreeMap, time::Duration};

use checklist::Walk;
use cost::Cost;
use ending::Ending;
pub use error::{ApplyError, Holder, Refusal, Standing, Why, differences as in_short, standing_words};
use hooks::Told;
use keeper::{Keeper, LockLost};
pub use options::{Consent, Options, Outcome, Which};
pub use progress::{Event, Progress, Silent};

use crate::{
    approval::{Approver, Covered},
    catalog::Catalog,
    config::Shaping,
    journal::{self, Beginning, Direction, Ended, Position, RunId, State},
    plan::{
        Plan, PlanFile,
        staleness::{self, Difference, Point},
    },
    postgres::Session,
    run::{self, Batch, Guard, Owners, RunError, settings},
    source::live,
    step::Phase,
};

/// Applies one phase or all of a plan.
pub async fn apply(options: &Options<'_>, progress: &mut impl Progress) -> Result<Outcome, ApplyError> {
    let mut run = Run::start(options, Direction::Apply).await?;
    let outcome = Box::pin(run.apply(progress)).await;
    run.close(&outcome).await;
    outcome
}

/// Undoes what the journal says was done, last step first, and proves that the database is what it was.
pub async fn rollback(options: &Options<'_>, progress: &mut impl Progress) -> Result<Outcome, ApplyError> {
    let mut run = Run::start(options, Direction::Rollback).await?;
    let outcome = Box::pin(run.rollback(progress)).await;
    run.close(&outcome).await;
    outcome
}

/// The differences between a database and what a plan expects of it where the journal says it stands.
pub async fn staleness(session: &Session, plan: &PlanFile) -> Result<(State, Vec<Difference>), ApplyError> {
    let state = journal::state(session, &plan.digest).await?;
    if let Some(when) = state.abandoned {
        return Err(Refusal::Abandoned(when).into());
    }
    let live = live::read_managed(session).await?;
    let differences = staleness::compare(&plan.plan, &live, point(state.position(&plan.plan)));
    Ok((state, differences))
}

/// Refuses a plan that would have been another one for this environment. One that has begun goes on: it was asked before.
pub fn fits_environment(plan: &Plan, shaping: &Shaping, position: Position) -> Result<(), Refusal> {
    let differences = match position {
        Position::NotRun | Position::RolledBack => plan.shaped_otherwise(shaping),
        Position::Within(_) | Position::After(_) => return Ok(()),
    };
    if differences.is_empty() {
        return Ok(());
    }
    let environment = plan.made_for.as_ref().and_then(|it| it.environment.clone());
    let made_for = environment.unwrap_or_else(|| "no environment".to_owned());
    Err(Refusal::Elsewhere { made_for, here: shaping.environment.clone(), differences })
}

fn point(position: Position) -> Point {
    match position {
        Position::NotRun => Point::Base,
        Position::RolledBack => Point::Undone,
        Position::Within(phase) => Point::Within(phase),
        Position::After(phase) => Point::After(phase),
    }
}

/// A run on its session.
struct Run<'a> {
    options: &'a Options<'a>,
    session: Session,
    watcher: Session,
    direction: Direction,
    state: State,
    /// Whose the target's objects are, where the plan does not manage that.
    owners: Owners,
    /// What the rollback costs.
    costs: Vec<Cost>,
    /// What whoever runs it has accepted of the moment.
    accepted: Vec<String>,
    /// What the rollback is to find as it was counted.
    guards: BTreeMap<u32, Guard>,
}

impl<'a> Run<'a> {
    async fn start(options: &'a Options<'a>, direction: Direction) -> Result<Self, ApplyError> {
        let target = options.target.for_trueup();
        let session = Session::connect(&target).await?;
        let state = match Self::begin(&session, options).await {
            Ok(state) => state,
            Err(error) => {
                note_refusal(&session, options, direction, &error).await;
                return Err(error);
            }
        };
        let watcher = Session::connect(&target).await?;
        Ok(Self {
            options,
            session,
            watcher,
            direction,
            state,
            owners: Owners::new(),
            costs: Vec::new(),
            accepted: Vec::new(),
            guards: BTreeMap::new(),
        })
    }

    async fn begin(session: &Session, options: &Options<'_>) -> Result<State, ApplyError> {
        checklist::must::server(session, &options.plan.plan).await?;
        pin(session).await?;
        lock::take(session, options.wait, &options.stop).await?;
        let state = journal::state(session, &options.plan.digest).await?;
        match state.abandoned {
            Some(when) => Err(Refusal::Abandoned(when).into()),
            None => Ok(state),
        }
    }

    async fn close(self, outcome: &Result<Outcome, ApplyError>) {
        if let Err(error) = outcome {
            note_refusal(&self.session, self.options, self.direction, error).await;
        }
        self.watcher.close().await;
        self.session.close().await;
    }

    /// Walks the list of checks, and takes over what that found out.
    async fn pass(&mut self, progress: &mut impl Progress) -> Result<Passed, ApplyError> {
        let walk = Walk::new(self.options, &self.session, self.direction, self.state.clone());
        let walk = Box::pin(walk.pass(progress)).await?;
        if let Some(live) = walk.live.as_ref().filter(|_| self.direction == Direction::Rollback) {
            self.guards =
                guard::of(walk.steps_left(), &self.options.plan.plan.loss_counts, live, &walk.costs);
        }
        let Walk { state, phases, permission, covered, live, costs, accepted, backup, batches, .. } = walk;
        (self.state, self.costs, self.accepted) = (state, costs, accepted);
        if let Some(live) = live.filter(|_| !self.options.plan.plan.owners) {
            self.owners = live.owners();
        }
        let quiet = permission.map_or(self.options.quiet, |permission| permission.quiet(self.options.quiet));
        Ok(Passed { phases, covered, backup, batches, quiet })
    }

    async fn apply(&mut self, progress: &mut impl Progress) -> Result<Outcome, ApplyError> {
        let plan = &self.options.plan.plan;
        let Passed { phases, covered, backup, batches, quiet } = self.pass(progress).await?;
        if phases.is_empty() {
            let position = self.state.position(plan);
            return Ok(Outcome::Nothing { position, next: remaining(plan, position).next() });
        }
        if self.options.dry_run {
            return Ok(Outcome::WouldRun(batches.concat()));
        }
        journal::ensure(&self.session).await?;
        let mut steps = 0;
        for (at, (phase, covered)) in phases.iter().zip(&covered).enumerate() {
            let (backup, end) = (backup.as_deref(), Point::After(*phase));
            let leg = Leg { phase: *phase, batches: &batches[at], covered, backup, end };
            let gate = if at > 0 && *phase == Phase::Contract {
                self.pass_gate(quiet, progress).await
            } else {
                Ok(())
            };
            let ran = match gate {
                Ok(()) => self.run_phase(&leg, progress).await,
                Err(error) => Err(error),
            };
            steps += ran.map_err(|error| if at > 0 { self.part_way(error, *phase) } else { error })?;
        }
        let last = phases.last().copied();
        let next = plan.phases().into_iter().find(|phase| Some(*phase) > last);
        Ok(Outcome::Done { phases, steps, next, costs: Vec::new() })
    }

    /// Says how old names are used, and refuses contract while they are, unless whoever runs it accepts that.
    async fn pass_gate(&mut self, quiet: Duration, progress: &mut impl Progress) -> Result<(), ApplyError> {
        let uses = gate::uses(&self.session, &self.options.plan.plan).await?;
        progress.event(Event::OldNames(&uses));
        if !self.options.old_names_accepted {
            return Ok(gate::pass(&uses, quiet)?);
        }
        self.accepted.extend(gate::accepted(&uses, quiet));
        Ok(())
    }

    async fn compare(
        &self,
        point: Point,
        progress: &mut impl Progress,
    ) -> Result<(Vec<Difference>, Catalog), ApplyError> {
        progress.event(Event::Comparing);
        let live = live::read_managed(&self.session).await?;
        // the reading has settings of its own
        pin(&self.session).await?;
        let differences = staleness::compare_for(&self.options.plan.plan, &live, point, self.direction);
        Ok((differences, live))
    }

    /// Runs what is left of one phase, between its hooks. The number of steps.
    async fn run_phase(&mut self, leg: &Leg<'_>, progress: &mut impl Progress) -> Result<usize, ApplyError> {
        let Options { plan, hooks, .. } = self.options;
        let place = self.session.place().to_owned();
        let glass = leg.covered.glass.as_ref();
        let told = Told {
            glass: glass.map(Approver::as_str),
            ..Told::new(plan, &place, leg.phase, self.direction, leg.steps())
        };
        if let Some(glass) = glass {
            progress.event(Event::Glass(glass));
        }
        hooks.before(&told).await?;
        let result = self.run_proven(leg, progress).await;
        let failed = match &result {
            Ok(_) => hooks.after(told).await,
            Err(error) => hooks.failure(told, error.to_string()).await,
        };
        if let Some(why) = failed {
            progress.event(Event::Hook(&why));
        }
        result
    }

    /// Runs what is left of one phase, proves where it ends, and keeps the journal. The number of steps.
    async fn run_proven(&mut self, leg: &Leg<'_>, progress: &mut impl Progress) -> Result<usize, ApplyError> {
        let Options { plan, tool, .. } = self.options;
        let Leg { phase, batches, covered, backup, end } = *leg;
        let steps = leg.steps();
        let resumed =
            self.state.position(&plan.plan) == Position::Within(phase) && self.direction == Direction::Apply;
        progress.event(Event::Phase { phase, direction: self.direction, steps, resumed });
        let of_phase =
            |cost: &&Cost| plan.plan.steps.iter().any(|step| step.id == cost.step && step.phase == phase);
        let costs: Vec<Cost> = self.costs.iter().filter(of_phase).cloned().collect();
        let accepted: Vec<String> =
            costs.iter().map(ToString::to_string).chain(self.accepted.iter().cloned()).collect();
        let note = self.options.note;
        let beginning =
            Beginning { phase, direction: self.direction, covered, backup, note, accepted: &accepted };
        let run = journal::begin(&self.session, plan, &beginning, tool).await?;
        let result = self.run_batches(run, phase, batches, progress).await;
        let result = match result {
            Ok(()) => match self.compare(end, progress).await {
                Ok((differences, live)) if differences.is_empty() => Ok(live),
                Ok((differences, _)) => Err(Ending::Part(Why::Differs(differences))),
                Err(error) if self.session.is_closed() => Err(Ending::Part(Why::Lost(error.to_string()))),
                Err(error) => Err(Ending::Error(error)),
            },
            Err(failed) => Err(failed),
        };
        match result {
            Ok(live) => {
                let warnings = aftermath::look(&self.session, &plan.plan, phase).await;
                let said = note.map(str::to_owned).into_iter().chain(costs.iter().map(Cost::afterwards));
                let said =
                    said.chain(warnings.iter().map(ToString::to_string)).collect::<Vec<_>>().join("; ");
                let remark = (!said.is_empty()).then_some(&*said);
                let kept = match reach(&self.session, &plan.plan, live, tool).await {
                    Ok(()) => journal::finish(&self.session, run, Ended::Done, remark).await,
                    failed => failed,
                };
                if let Err(error) = kept {
                    let ending = self.journal_failed(error);
                    return Err(self.ended(ending, run, phase).await);
                }
                if self.direction == Direction::Apply {
                    self.state.reached.insert(phase);
                } else {
                    self.state.reached.remove(&phase);
                }
                self.state.last = Some(self.direction);
                if !warnings.is_empty() {
                    progress.event(Event::Warnings(&warnings));
                }
                Ok(steps)
            }
            Err(ending) => Err(self.ended(ending, run, phase).await),
        }
    }

    async fn run_batches(
        &mut self,
        run: RunId,
        phase: Phase,
        batches: &[Batch],
        progress: &mut impl Progress,
    ) -> Result<(), Ending> {
        for batch in batches {
            if self.options.stop.requested() {
                return Err(Ending::Part(Why::Asked));
            }
            debug_assert_eq!(batch.phase, phase);
            progress.event(Event::Batch(batch));
            self.run_batch(run, batch, progress).await?;
            for step in batch.steps() {
                match self.direction {
                    Direction::Apply => self.state.done.insert(step),
                    Direction::Rollback => self.state.done.remove(&step),
                };
            }
            progress.event(Event::Done(batch));
        }
        Ok(())
    }

    async fn run_batch(&self, run: RunId, batch: &Batch, progress: &mut impl Progress) -> Result<(), Ending> {
        let options = run::Options {
            retry: self.options.retry,
            watcher: Some(&self.watcher),
            stop: self.options.stop.clone(),
            guarded: true,
            owners: Some(&self.owners),
            secrets: Some(self.options.secrets),
            names: None,
        };
        let mut keeper = Keeper::new(run, &self.options.plan.digest, &self.guards, progress);
        if batch.transactional {
            return run::run(&self.session, batch, &options, &mut keeper).await.map_err(Ending::Run);
        }
        match lock::is_held(&self.session).await {
            Ok(true) => {}
            Ok(false) => return Err(Ending::Run(RunError::observer(LockLost))),
            Err(source) => return Err(self.asking_failed(source)),
        }
        let Some(item) = batch.items.first() else { return Ok(()) };
        let row = journal::step_started(&self.session, run, batch.number, item.step)
            .await
            .map_err(|error| self.journal_failed(error))?;
        let result = run::run(&self.session, batch, &options, &mut keeper).await;
        if let Err(error) = &result
            && (error.is_lost() || self.session.is_closed())
        {
            return result.map_err(Ending::Run);
        }
        if result.is_err() && run::leaves_something(&self.session, item).await {
            // the next run finds out what it is, and takes it away
            return result.map_err(Ending::Run);
        }
        journal::step_ended(&self.session, row, result.is_ok(), &batch.also)
            .await
            .map_err(|error| self.journal_failed(error))?;
        result.map_err(Ending::Run)
    }
}

/// What of one run lies before it, once all checks are passed.
struct Passed {
    phases: Vec<Phase>,
    covered: Vec<Covered>,
    backup: Option<String>,
    batches: Vec<Vec<Batch>>,
    quiet: Duration,
}

/// Finds out what an interrupted step did, and writes it down: what of the plan is done then.
async fn settle(session: &Session, options: &Options<'_>, mut state: State) -> Result<State, ApplyError> {
    let Some(doubt) = state.in_doubt.clone() else { return Ok(state) };
    let Options { plan, wait, stop, dry_run, .. } = options;
    let done = doubt::settle(session, &plan.plan, &doubt, *wait, stop, *dry_run).await?;
    if *dry_run {
        // the doubt stays, so that the plan counts as part-way
        match (done, doubt.direction) {
            (true, Direction::Apply) => _ = state.done.insert(doubt.step),
            (true, Direction::Rollback) => _ = state.done.remove(&doubt.step),
            (false, _) => {}
        }
        return Ok(state);
    }
    let also = match doubt.direction {
        Direction::Apply => with(&plan.plan, doubt.step),
        Direction::Rollback => Vec::new(),
    };
    // the run that was interrupted may have been an earlier version's
    journal::ensure(session).await?;
    journal::step_ended(session, doubt.row(), done, &also).await?;
    Ok(journal::state(session, &plan.digest).await?)
}

/// Writes down what the plan is about as it is now: what differs from that later was changed by others.
async fn reach(
    session: &Session,
    plan: &Plan,
    mut live: Catalog,
    tool: &str,
) -> Result<(), journal::JournalError> {
    if !plan.owners {
        live.forget_owners();
    }
    let footprint = plan.footprint.iter().map(|entry| &entry.object);
    let about = footprint.chain(plan.steps.iter().map(|step| &step.object)).cloned().collect();
    journal::reach(session, &live, &plan.schemas.iter().cloned().collect(), Some(&about), tool).await
}

/// Writes down that it was refused, where there is a journal. Nothing depends on whether that works.
async fn note_refusal(session: &Session, options: &Options<'_>, direction: Direction, error: &ApplyError) {
    let ApplyError::Refused(refusal) = error else { return };
    if options.dry_run || session.is_closed() {
        return;
    }
    let why = refusal.to_string();
    if let Err(error) = journal::record_refusal(session, options.plan, direction, &why, options.tool).await {
        tracing::debug!("the refusal is not in the journal: {error}");
    }
}

/// What of one phase is left to run, in one direction, and where that ends.
struct Leg<'a> {
    phase: Phase,
    batches: &'a [Batch],
    covered: &'a Covered,
    /// What was said of a backup.
    backup: Option<&'a str>,
    end: Point,
}

impl Leg<'_> {
    fn steps(&self) -> usize {
        self.batches.iter().map(|batch| batch.steps().count()).sum()
    }
}

/// The phases that would run from where the plan stands.
fn phases_to_apply(plan: &Plan, which: Which, state: &State) -> Result<Vec<Phase>, Refusal> {
    if let Some(when) = state.abandoned {
        return Err(Refusal::Abandoned(when));
    }
    if let Some(phase) = state.half_undone(plan) {
        return Err(Refusal::HalfUndone(phase));
    }
    let position = state.position(plan);
    let mut left = remaining(plan, position);
    Ok(match which {
        Which::All => left.collect(),
        Which::Default => left.filter(|phase| *phase == Phase::Expand).collect(),
        Which::One(phase) if !plan.phases().contains(&phase) => return Err(Refusal::NoSuchPhase(phase)),
        Which::One(phase) => match left.next() {
            Some(next) if next < phase => return Err(Refusal::PhaseBefore(next)),
            Some(next) if next == phase => vec![phase],
            _ => Vec::new(),
        },
    })
}

/// The phases that would be undone from where the plan stands, the last first.
fn phases_to_undo(plan: &Plan, which: Which, state: &State) -> Result<Vec<Phase>, Refusal> {
    let current = match state.position(plan) {
        Position::NotRun | Position::RolledBack => return Ok(Vec::new()),
        Position::Within(phase) | Position::After(phase) => phase,
    };
    let done = plan.phases().into_iter().rev().filter(|phase| *phase <= current);
    match which {
        Which::One(wanted) if !plan.phases().contains(&wanted) => Err(Refusal::NoSuchPhase(wanted)),
        Which::One(wanted) if wanted < current => Err(Refusal::PhaseAfter(current)),
        Which::One(wanted) => Ok(done.filter(|phase| *phase == wanted).collect()),
        Which::Default | Which::All => Ok(done.collect()),
    }
}

/// The phases that are not done where the plan stands, in their order.
fn remaining(plan: &Plan, position: Position) -> impl Iterator<Item = Phase> {
    plan.phases().into_iter().filter(move |phase| match position {
        Position::NotRun | Position::RolledBack => true,
        Position::Within(reached) => *phase >= reached,
        Position::After(reached) => *phase > reached,
    })
}

/// The steps that only the way back has, and that are done when this one is.
fn with(plan: &Plan, step: u32) -> Vec<u32> {
    let of_phase = |phase: Phase| plan.steps.iter().filter(move |step| step.phase == phase);
    let batches =
        plan.phases().into_iter().flat_map(|phase| Batch::forward(&of_phase(phase).collect::<Vec<_>>()));
    let of_it = |batch: &Batch| batch.items.iter().any(|item| item.step == step);
    batches.into_iter().find(of_it).map(|batch| batch.also).unwrap_or_default()
}

async fn pin(session: &Session) -> Result<(), ApplyError> {
    settings::pin(session, settings::Place::Target)
        .await
        .map_err(|source| ApplyError::Query { what: "setting up the session", source })
}
