//! The plans of a folder as one database sees them: which were applied there, which wait and in which order, and which are
//! none of its business.
//!
//! A folder of plans is shared by all environments and grows for years. What a plan is for a database is told by the journal,
//! and, where it never ran, by what it was made for: it waits if the database is what it starts from, or will be, once those
//! before it are applied. So the order of plans is that in which they build on each other, and of those that do not, the order in
//! which they were made; names of folders mean nothing.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::{ApplyError, Refusal, fits_environment};
use crate::{
    catalog::{Catalog, Fingerprint},
    config::Shaping,
    journal::{self, Direction, Ended, Position, Run, State},
    name::ObjectId,
    plan::{
        Change, FootprintEntry, Plan, PlanFile,
        staleness::{self, Difference, How, Point},
    },
    postgres::Session,
    source::live,
    step::Phase,
};

/// The state of a plan in a database.
#[derive(Debug)]
pub enum PlanState {
    /// It was applied to its end, by trueup or, as `adopt` has found, by others.
    Applied,
    /// This phase is done, and the other remains.
    Between {
        /// What is done.
        done: Phase,
        /// What remains.
        next: Phase,
    },
    /// It stopped part-way.
    Stopped {
        /// In this phase.
        phase: Phase,
        /// On the way back.
        back: bool,
    },
    /// It was applied, and undone.
    RolledBack,
    /// It was given up.
    Abandoned,
    /// It can be applied, once those that wait before it are.
    Waiting,
    /// It can be applied, once contract of this other plan is done.
    Behind(String),
    /// It never ran here, and its end is there.
    Reached,
    /// It never ran here, and later plans have changed what it would change.
    Superseded,
    /// It would have been another plan, had it been made for this environment, and its end is not there.
    Elsewhere(Refusal),
    /// It never ran here, and these objects are not what it starts from.
    Stale(Vec<Difference>),
}

impl PlanState {
    /// In one word or two.
    pub fn label(&self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Between { .. } => "between phases",
            Self::Stopped { .. } => "stopped",
            Self::RolledBack => "rolled back",
            Self::Abandoned => "abandoned",
            Self::Waiting | Self::Behind(_) => "waiting",
            Self::Reached | Self::Superseded => "superseded",
            Self::Elsewhere(_) => "another environment's",
            Self::Stale(_) => "stale",
        }
    }

    /// Whether something of it is done, and something remains.
    pub fn is_open(&self) -> bool {
        matches!(self, Self::Between { .. } | Self::Stopped { .. })
    }
}

/// A plan and what it is for the database.
#[derive(Debug)]
pub struct Entry<'a> {
    /// The plan.
    pub plan: &'a PlanFile,
    /// What it is.
    pub plan_state: PlanState,
    /// The number of its last run that came to its end.
    pub run: Option<i64>,
    /// What of it is done.
    pub state: State,
}

/// The plans of a folder: those that ran, in the order of their last run, then those that wait, in the order in which they are to
/// be applied, then the others.
#[derive(Debug)]
pub struct Roster<'a> {
    /// The plans.
    pub entries: Vec<Entry<'a>>,
}

impl<'a> Roster<'a> {
    /// Reads the journal and the catalog.
    pub async fn read(
        session: &Session,
        plans: &'a [PlanFile],
        shaping: &Shaping,
    ) -> Result<Self, ApplyError> {
        let history = journal::history(session).await?;
        let abandoned = journal::abandoned(session).await?;
        let (mut entries, mut fresh) = (Vec::new(), Vec::new());
        for plan in plans {
            let digest = plan.digest.as_str();
            let is_abandoned = abandoned.iter().any(|abandoned| abandoned.plan == digest);
            let runs: Vec<&Run> = history.iter().filter(|run| run.plan == digest).collect();
            let run = runs.iter().rev().find(|run| run.outcome == Some(Ended::Done)).map(|run| run.id);
            let (plan_state, state) = match (is_abandoned, runs.last()) {
                (true, _) => (Some(PlanState::Abandoned), State::default()),
                (false, None) => (None, State::default()),
                (false, Some(last)) => {
                    if let Some(plan_state) = at_an_end(&plan.plan, last) {
                        (Some(plan_state), State::default())
                    } else {
                        let state = journal::state(session, &plan.digest).await?;
                        (begun(&plan.plan, &state), state)
                    }
                }
            };
            match plan_state {
                Some(plan_state) => entries.push(Entry { plan, plan_state, run, state }),
                None => fresh.push(plan),
            }
        }
        entries.sort_by_key(|entry| (entry.plan_state.is_open(), entry.run));
        if fresh.is_empty() {
            return Ok(Self { entries });
        }
        fresh.sort_by_key(|plan| (plan.plan.created, &plan.plan.name));
        let live = live::read_managed(session).await?;
        super::pin(session).await?;
        entries.extend(without_runs(fresh, &entries, &live, shaping));
        Ok(Self { entries })
    }

    /// Those that are between their phases, or stopped.
    pub fn open(&self) -> impl Iterator<Item = &Entry<'a>> {
        self.entries.iter().filter(|entry| entry.plan_state.is_open())
    }

    /// Those that wait, in order.
    pub fn waiting(&self) -> impl Iterator<Item = &Entry<'a>> {
        self.entries
            .iter()
            .filter(|entry| matches!(entry.plan_state, PlanState::Waiting | PlanState::Behind(_)))
    }

    /// The one that came to its end last, there.
    pub fn last_applied(&self) -> Option<&Entry<'a>> {
        self.entries
            .iter()
            .filter(|entry| matches!(entry.plan_state, PlanState::Applied))
            .max_by_key(|entry| entry.run)
    }
}

/// What the last run left, where that was the end of the plan or its beginning.
fn at_an_end(plan: &Plan, last: &Run) -> Option<PlanState> {
    let phases = plan.phases();
    let done = last.outcome == Some(Ended::Done);
    match last.direction {
        Direction::Apply if done && phases.last() == Some(&last.phase) => Some(PlanState::Applied),
        Direction::Rollback if done && phases.first() == Some(&last.phase) => Some(PlanState::RolledBack),
        _ => None,
    }
}

/// Where a plan is that has begun. None: nothing of it is done.
fn begun(plan: &Plan, state: &State) -> Option<PlanState> {
    match state.position(plan) {
        Position::NotRun => None,
        Position::RolledBack => Some(PlanState::RolledBack),
        Position::Within(phase) => {
            Some(PlanState::Stopped { phase, back: state.half_undone(plan).is_some() })
        }
        Position::After(done) => Some(match plan.phases().into_iter().find(|phase| *phase > done) {
            Some(next) => PlanState::Between { done, next },
            None => PlanState::Applied,
        }),
    }
}

/// What plans are that never ran here, in the order in which they were made.
fn without_runs<'a>(
    mut fresh: Vec<&'a PlanFile>,
    begun: &[Entry<'a>],
    live: &Catalog,
    shaping: &Shaping,
) -> Vec<Entry<'a>> {
    let entry = |plan, plan_state| Entry { plan, plan_state, run: None, state: State::default() };
    let (mut waiting, mut elsewhere) = (Vec::new(), Vec::new());
    fresh.retain(|file| match fits_environment(&file.plan, shaping, Position::NotRun) {
        Ok(()) => true,
        Err(refusal) => {
            elsewhere.push((*file, Some(refusal)));
            false
        }
    });
    let mut ahead = Ahead { live, changed: BTreeMap::new() };
    let take = |fresh: &mut Vec<&'a PlanFile>, ahead: &Ahead<'_>| {
        fresh.iter().position(|file| ahead.fits(&file.plan)).map(|at| fresh.remove(at))
    };
    // first what builds on no contract that remains
    let mut held: Option<String> = None;
    let mut later: Vec<&Plan> = Vec::new();
    for open in begun.iter().filter(|entry| matches!(entry.plan_state, PlanState::Between { .. })) {
        later.push(&open.plan.plan);
    }
    loop {
        while let Some(file) = take(&mut fresh, &ahead) {
            ahead.apply(&file.plan, held.is_some());
            let plan_state = held.clone().map_or(PlanState::Waiting, PlanState::Behind);
            later.push(&file.plan);
            waiting.push(entry(file, plan_state));
        }
        let remains = later.iter().find(|plan| plan.phases().contains(&Phase::Contract));
        match (held.is_some(), remains) {
            (false, Some(plan)) => {
                held = Some(plan.name.clone());
                for plan in &later {
                    ahead.apply(plan, true);
                }
            }
            _ => break,
        }
    }
    // what later plans know: those that ran or wait, and, the newest first, those whose end is there all the same
    let known = |plan: &Plan| {
        let changed = plan.footprint.iter().filter(|entry| !entry.after.is_empty());
        changed.map(|entry| entry.object.clone()).collect()
    };
    let here =
        begun.iter().filter(|entry| !matches!(entry.plan_state, PlanState::RolledBack)).chain(&waiting);
    let mut later: Vec<(Timestamp, BTreeSet<ObjectId>)> =
        here.map(|entry| (entry.plan.plan.created, known(&entry.plan.plan))).collect();
    let mut past = Vec::new();
    let mut others: Vec<(&PlanFile, Option<Refusal>)> =
        fresh.into_iter().map(|file| (file, None)).chain(elsewhere).collect();
    others.sort_by_key(|(file, _)| (file.plan.created, &file.plan.name));
    for (file, refusal) in others.into_iter().rev() {
        let plan = &file.plan;
        let touched = staleness::touched(plan);
        let differences = staleness::compare(plan, live, Point::Base);
        let end = end(plan);
        // a column that is gone is none of theirs, but its table is
        let is_later = |object: &ObjectId| {
            let relation = object.relation();
            let mut later = later.iter().filter(|(created, _)| *created >= plan.created);
            later.any(|(_, known)| {
                known.contains(object) || relation.as_ref().is_some_and(|it| known.contains(it))
            })
        };
        // all that it would make is there, or later plans have made something else of it
        let last = plan.phases().last().copied();
        let changed = plan.footprint.iter().filter(|entry| !entry.after.is_empty());
        let mut over = changed
            .map(|entry| entry.actual(live).as_ref() == entry.expected(last) || is_later(&entry.object));
        let begins = differences.iter().any(|one| touched.contains(&one.object));
        let plan_state = if staleness::compare(plan, live, end).is_empty() {
            PlanState::Reached
        } else if begins && over.all(|over| over) {
            PlanState::Superseded
        } else if let Some(refusal) = refusal {
            PlanState::Elsewhere(refusal)
        } else {
            PlanState::Stale(differences)
        };
        if !matches!(plan_state, PlanState::Stale(_) | PlanState::Elsewhere(_)) {
            later.push((plan.created, known(plan)));
        }
        past.push(entry(file, plan_state));
    }
    waiting.into_iter().chain(past.into_iter().rev()).collect()
}

/// Where a plan ends.
fn end(plan: &Plan) -> Point {
    plan.phases().last().copied().map_or(Point::Base, Point::After)
}

/// The catalog as it will be when plans that wait are applied.
struct Ahead<'a> {
    live: &'a Catalog,
    /// What they make of objects.
    changed: BTreeMap<ObjectId, Made>,
}

/// What a plan makes of an object.
enum Made {
    It(Fingerprint),
    Nothing,
    /// It is compared without its texts from then on.
    Unknown,
}

impl Ahead<'_> {
    /// Whether a plan starts from this.
    fn fits(&self, plan: &Plan) -> bool {
        if self.changed.is_empty() {
            return staleness::compare(plan, self.live, Point::Base).is_empty();
        }
        let differs = |entry: &FootprintEntry| {
            let own;
            let there = match self.changed.get(&entry.object) {
                Some(Made::Unknown) => return None,
                Some(Made::It(made)) => Some(made),
                Some(Made::Nothing) => None,
                None => {
                    own = self.live.fingerprint(&entry.object);
                    own.as_ref()
                }
            };
            How::of(entry.base.as_ref(), there).map(|how| (entry.object.clone(), how))
        };
        let known: BTreeSet<&ObjectId> = plan.footprint.iter().map(|entry| &entry.object).collect();
        let comes = |(object, made): &(&ObjectId, &Made)| {
            !matches!(made, Made::Nothing)
                && !known.contains(*object)
                && !self.live.objects.contains_key(*object)
        };
        let added = self.changed.iter().filter(comes).map(|(object, _)| (object.clone(), How::Added));
        let differences: Vec<(ObjectId, How)> =
            plan.footprint.iter().filter_map(differs).chain(added).collect();
        staleness::starts_beside(plan, self.live, &differences)
    }

    /// Goes on to what a plan leaves: at its end, or before contract.
    fn apply(&mut self, plan: &Plan, to_its_end: bool) {
        let last = if to_its_end { Phase::Contract } else { Phase::Expand };
        for entry in &plan.footprint {
            let made = match entry.after.range(..=last).next_back() {
                None => continue,
                Some(_) if entry.loose.is_some() => Made::Unknown,
                Some((_, Change::Became(made))) => Made::It(made.clone()),
                Some((_, Change::Gone)) => Made::Nothing,
            };
            self.changed.insert(entry.object.clone(), made);
        }
    }
}
