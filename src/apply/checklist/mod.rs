//! The one list of checks that a plan passes before it runs, there or back.
//!
//! `apply` and `rollback` walk it and stop at the first that fails (`pass`). `preflight` walks the same list to its end and
//! shows what each came to (`collect`), so that it passes nothing that `apply` refuses; `verify` asks for what is about the
//! plan, its approvals and the catalog. A check that fails says that the plan would, or that it would do harm; a warning is what
//! a careful person would want to know before saying yes.

mod backup;
mod check;
mod disk;
mod item;
pub(super) mod must;
mod names;
mod rows;
mod surroundings;

use std::collections::BTreeSet;

pub use check::{Check, Limits, Verdict};
pub use item::{Finding, Item};
pub(super) use surroundings::invalid_indexes;

use super::{
    ApplyError, Consent, Event, Options, Progress, Refusal, Which, assumptions,
    cost::{self, Cost},
    fits_environment, gate,
    permission::Permission,
    phases_to_apply, phases_to_undo, pin, point, promotion, settle,
};
use crate::{
    approval::Covered,
    catalog::Catalog,
    journal::{self, Direction, Position, State},
    plan::{self, MadeFor, Plan, PlannedStep, overlap, staleness},
    postgres::Session,
    run::{self, Batch},
    source::live,
    step::{DataCheck, Phase},
};
use surroundings::Needs;

/// A walk along the list, with what it has found so far.
#[derive(Debug)]
pub struct Walk<'a> {
    options: &'a Options<'a>,
    session: &'a Session,
    direction: Direction,
    /// What of the plan is done.
    pub state: State,
    /// The phases that would run.
    pub phases: Vec<Phase>,
    /// What lets them run.
    pub(super) permission: Option<Permission>,
    /// The approvals of each.
    pub(super) covered: Vec<Covered>,
    /// What the database is.
    pub(super) live: Option<Catalog>,
    /// The steps that have nothing to do any more: the partition that they are about is gone.
    moot: BTreeSet<u32>,
    /// What a rollback costs.
    pub(super) costs: Vec<Cost>,
    /// What whoever runs it has accepted of the moment.
    pub(super) accepted: Vec<String>,
    /// What was said of a backup.
    pub(super) backup: Option<String>,
    /// What is left to run of each phase.
    pub(super) batches: Vec<Vec<Batch>>,
}

impl<'a> Walk<'a> {
    /// At its beginning.
    pub fn new(options: &'a Options<'a>, session: &'a Session, direction: Direction, state: State) -> Self {
        Self {
            options,
            session,
            direction,
            state,
            phases: Vec::new(),
            permission: None,
            covered: Vec::new(),
            live: None,
            moot: BTreeSet::new(),
            costs: Vec::new(),
            accepted: Vec::new(),
            backup: None,
            batches: Vec::new(),
        }
    }

    fn items(&self) -> impl Iterator<Item = Item> + use<> {
        Item::of(self.direction)
    }

    /// Goes to the end, or to the first check that fails. Where no phase is left to run, nothing else is asked.
    pub(super) async fn pass(mut self, progress: &mut impl Progress) -> Result<Self, ApplyError> {
        let mut warnings = Vec::new();
        for item in self.items() {
            let findings = self.look(item, progress).await?;
            let mut failed = Vec::new();
            for Finding { check, refusal } in findings {
                match (refusal, check.verdict) {
                    (Some(refusal), _) => return Err(refusal.into()),
                    (None, Verdict::Fail) => failed.push(check),
                    (None, Verdict::Warn) if !item.is_setup() => warnings.push(check),
                    (None, _) => {}
                }
            }
            if !failed.is_empty() {
                return Err(Refusal::Preflight(failed).into());
            }
            if item == Item::Phase && self.phases.is_empty() {
                return Ok(self);
            }
        }
        if !warnings.is_empty() {
            progress.event(Event::Warnings(&warnings));
        }
        Ok(self)
    }

    /// Goes to the end whatever fails, but for what nothing can be told without.
    pub(super) async fn collect(&mut self, progress: &mut impl Progress) -> Result<Vec<Check>, ApplyError> {
        let mut checks = Vec::new();
        for item in self.items() {
            let found = self.look(item, progress).await?.into_iter().map(|finding| finding.check);
            let found: Vec<Check> = found.collect();
            let failed = found.iter().any(|check| check.verdict == Verdict::Fail);
            checks.extend(found);
            if failed && item.ends_all() {
                break;
            }
        }
        Ok(checks)
    }

    fn plan(&self) -> &'a Plan {
        &self.options.plan.plan
    }

    fn position(&self) -> Position {
        self.state.position(self.plan())
    }

    /// The steps that are left to run, and have something to do.
    pub(super) fn steps_left(&self) -> impl DoubleEndedIterator<Item = &'a PlannedStep> {
        self.remaining().filter(|step| !self.moot.contains(&step.id))
    }

    /// The steps that are left.
    fn remaining(&self) -> impl DoubleEndedIterator<Item = &'a PlannedStep> {
        let to_undo = self.direction == Direction::Rollback;
        self.plan().steps.iter().filter(move |step| {
            self.phases.contains(&step.phase) && self.state.done.contains(&step.id) == to_undo
        })
    }

    /// Looks at one thing.
    pub async fn look(
        &mut self,
        item: Item,
        progress: &mut impl Progress,
    ) -> Result<Vec<Finding>, ApplyError> {
        let (options, session, plan) = (self.options, self.session, self.plan());
        let found = match item {
            Item::Connection => surroundings::connection(session).await?.into(),
            Item::Server => {
                let server = format!("PostgreSQL {}, a primary", session.major());
                Finding::asked("server", must::server(session, plan).await.map(|()| server))?
            }
            Item::Phase => self.phase().await?,
            Item::Environment => return Ok(self.environment().into_iter().collect()),
            Item::Promotion => return self.promotion().await,
            Item::Policy => return self.policy().await,
            Item::Role => {
                let policy = self.permission().await?.policy.clone();
                must::role(session, &policy).await?
            }
            Item::Approvals => return self.approvals().await,
            Item::Privileges => {
                let may = "the role owns what the plan changes, or is a member of its owner";
                let found = must::privileges(session, plan).await.map(|()| may.to_owned());
                Finding::asked("privileges", found)?
            }
            Item::Roles if plan.roles.is_empty() => return Ok(Vec::new()),
            Item::Roles => Finding::asked("roles", must::roles(session, plan).await)?,
            Item::Journal => {
                let may = match journal::may_write(session).await {
                    Ok(()) => Ok("the role may keep it".to_owned()),
                    Err(error) => Err(Refusal::Journal(error)),
                };
                Finding::of("journal", may)
            }
            Item::Staleness => self.staleness(progress).await?,
            Item::OpenPlans => return self.open_plans().await,
            Item::Sizes => {
                let looked = assumptions::look(session, plan, &self.phases, &self.state.done).await?;
                let broken = looked.broken();
                let sizes = looked.sizes();
                Finding::of(
                    "sizes",
                    if broken.is_empty() { Ok(sizes) } else { Err(Refusal::Assumption(broken)) },
                )
            }
            Item::RowSecurity => {
                Finding::asked("row security", rows::look(session, self.filled(), options.plan).await)?
            }
            Item::Data => self.data().await?,
            Item::Gate => return self.gate(progress).await,
            Item::Losses => return self.losses(progress).await,
            Item::Names => {
                let steps = self.steps_left().map(|step| match self.direction {
                    Direction::Apply => (&step.object, &step.operation),
                    Direction::Rollback => (&step.object, &step.undo.operation),
                });
                return Ok(names::look(session, steps).await?.map(Finding::from).into_iter().collect());
            }
            Item::Secrets => {
                self.batches = self.left_of_each();
                let needed = must::secrets(self.batches.iter().flatten());
                if needed.is_empty() {
                    return Ok(Vec::new());
                }
                Finding::of("secrets", must::given(&needed, options.secrets))
            }
            Item::Surroundings => {
                let limits = self.permission().await?.limits(options.limits);
                let needs = match self.direction {
                    Direction::Apply => Needs::there(self.steps_left()),
                    Direction::Rollback => Needs::back(self.steps_left()),
                };
                let checks = surroundings::look(session, &needs, limits).await?;
                return Ok(checks.into_iter().map(Finding::from).collect());
            }
            Item::Backup => {
                let limits = self.permission().await?.limits(options.limits);
                let Some(command) = limits.backup.filter(|_| !self.phases.is_empty()) else {
                    return Ok(Vec::new());
                };
                let check = backup::prove(command, limits.backup_age).await;
                self.backup = Some(check.what.clone());
                check.into()
            }
        };
        Ok(vec![found])
    }

    async fn phase(&mut self) -> Result<Finding, ApplyError> {
        const NAME: &str = "phase";
        let plan = self.plan();
        // contract is what drops under running code: who wants it names it, also to go on with it
        if self.direction == Direction::Apply
            && self.options.which == Which::Default
            && self.position() == Position::Within(Phase::Contract)
        {
            return Ok(Finding::of(NAME, Err(Refusal::NotNamed(Phase::Contract))));
        }
        match settle(self.session, self.options, self.state.clone()).await {
            Ok(state) => self.state = state,
            Err(ApplyError::Refused(refusal)) => return Ok(Finding::of(NAME, Err(*refusal))),
            Err(error) => return Err(error),
        }
        let phases = match self.direction {
            Direction::Apply => phases_to_apply(plan, self.options.which, &self.state),
            Direction::Rollback => phases_to_undo(plan, self.options.which, &self.state),
        };
        Ok(match phases {
            Ok(phases) => {
                self.phases = phases;
                let words = super::standing_words(self.position());
                let labels: Vec<&str> = self.phases.iter().map(|phase| phase.label()).collect();
                let would = if self.direction == Direction::Apply { "would run" } else { "would be undone" };
                Finding::pass(
                    NAME,
                    match &*labels {
                        [] => format!("nothing to do: {words}"),
                        labels => format!("{} {would}; {words}", labels.join(", ")),
                    },
                )
            }
            Err(refusal) => Finding::of(NAME, Err(refusal)),
        })
    }

    fn environment(&self) -> Option<Finding> {
        let (plan, shaping) = (self.plan(), self.options.shaping);
        if plan.made_for.is_none() && shaping.environment.is_none() {
            return None;
        }
        let fits = fits_environment(plan, shaping, self.position());
        let made_for = plan.made_for.as_ref().map_or_else(|| "no environment".to_owned(), MadeFor::in_words);
        Some(Finding::of(
            "environment",
            fits.map(|()| format!("made for {made_for}; it would be the same here")),
        ))
    }

    async fn promotion(&self) -> Result<Vec<Finding>, ApplyError> {
        let Options { after, plan, policy, now, .. } = self.options;
        let mut found = Vec::new();
        if after.is_empty() {
            return Ok(found);
        }
        let pinned = journal::policy(self.session).await?;
        let trust = promotion::Trust { pinned: pinned.as_ref(), policy, now: *now };
        for (before, phase) in promotion::pending(after, &self.phases, self.position()) {
            let done = promotion::proven(before, plan, phase, trust).await;
            let said = done.map(|proven| format!("{} is {proven}", phase.label()));
            found.push(Finding::asked("promotion", said)?);
        }
        Ok(found)
    }

    /// What lets the phases run here.
    async fn permission(&mut self) -> Result<&Permission, ApplyError> {
        let permission = match self.permission.take() {
            Some(permission) => permission,
            None => self.asked_for_permission().await?,
        };
        Ok(self.permission.insert(permission))
    }

    async fn asked_for_permission(&self) -> Result<Permission, ApplyError> {
        let Options { plan, policy, approvals, now, .. } = self.options;
        Permission::in_database(self.session, plan, policy, approvals, *now).await
    }

    /// The same, once the walk is over.
    pub async fn into_permission(mut self) -> Result<Permission, ApplyError> {
        match self.permission.take() {
            Some(permission) => Ok(permission),
            None => self.asked_for_permission().await,
        }
    }

    async fn policy(&mut self) -> Result<Vec<Finding>, ApplyError> {
        let session = self.session;
        let permission = self.permission().await?;
        let mut found = Vec::new();
        if let Err(refusal) = permission.not_contradicted() {
            found.push(Finding::of("policy", Err(refusal)));
        }
        if let Err(refusal) = must::connection(session, &permission.policy) {
            found.push(Finding::of("policy", Err(refusal)));
        }
        found.extend(permission.database.as_ref().map(|it| Finding::pass("database", it.to_string())));
        Ok(found)
    }

    async fn approvals(&mut self) -> Result<Vec<Finding>, ApplyError> {
        const NAME: &str = "approvals";
        let (plan, direction, phases) = (self.options.plan, self.direction, self.phases.clone());
        let permission = self.permission().await?;
        if direction == Direction::Rollback && !permission.policy.rollback {
            self.covered = vec![Covered::default(); phases.len()];
            return Ok(vec![Finding::pass(NAME, "policy asks for none on the way back")]);
        }
        let (mut found, mut all) = (Vec::new(), Vec::new());
        for phase in phases {
            let covered = permission.check(plan, phase, direction);
            let by = covered.map(|covered| {
                let names: Vec<String> = covered.approvals.iter().map(|it| it.approver.to_string()).collect();
                let said = match &covered.glass {
                    Some(glass) => format!("{} is not approved, and {glass} broke the glass", phase.label()),
                    None if names.is_empty() => format!("{} needs none", phase.label()),
                    None => format!("{} is approved by {}", phase.label(), names.join(", ")),
                };
                all.push(covered);
                said
            });
            found.push(Finding::of(
                NAME,
                by.map_err(|missing| Refusal::NotApproved { phase, direction, missing }),
            ));
        }
        self.covered = all;
        Ok(found)
    }

    async fn staleness(&mut self, progress: &mut impl Progress) -> Result<Finding, ApplyError> {
        progress.event(Event::Comparing);
        let live = live::read_managed(self.session).await?;
        // the reading has settings of its own
        pin(self.session).await?;
        let (plan, at) = (self.plan(), point(self.position()));
        let differences = staleness::compare_for(plan, &live, at, self.direction);
        self.moot = plan::moot(plan, &live);
        self.live = Some(live);
        let stale = if differences.is_empty() { Ok(()) } else { Err(Refusal::Stale(differences)) };
        Ok(Finding::of("staleness", stale.map(|()| "the database is what the plan was made for".to_owned())))
    }

    /// What has begun goes on, whatever others do meanwhile: it was asked then.
    async fn open_plans(&self) -> Result<Vec<Finding>, ApplyError> {
        const NAME: &str = "open plans";
        let (Some(live), position) = (&self.live, self.position()) else { return Ok(Vec::new()) };
        if matches!(position, Position::Within(_)) {
            return Ok(Vec::new());
        }
        let others = journal::open_plans(self.session).await?;
        let (mut found, mut fits) = (Vec::new(), Vec::new());
        for other in others.iter().filter(|other| other.digest != self.options.plan.digest) {
            let done = match other.position {
                Position::After(phase) => Some(phase),
                _ => None,
            };
            let open = overlap::Open { plan: &other.plan, done };
            let why = overlap::with(self.plan(), &self.phases, self.direction, &open, live);
            if why.is_empty() {
                fits.push(other.plan.name.clone());
            } else {
                let refusal = Refusal::Overlaps { plan: other.plan.name.clone(), why };
                found.push(Finding::of(NAME, Err(refusal)));
            }
        }
        if found.is_empty() && !fits.is_empty() {
            found.push(Finding::pass(NAME, format!("{} can go on all the same", fits.join(", "))));
        }
        Ok(found)
    }

    /// The tables that steps fill, and the first step that does.
    fn filled(&self) -> impl Iterator<Item = (&'a str, u32)> {
        let direction = self.direction;
        self.steps_left().filter_map(move |step| {
            let operation =
                if direction == Direction::Apply { &step.operation } else { &step.undo.operation };
            Some((operation.backfill()?.table.as_str(), step.id))
        })
    }

    async fn data(&self) -> Result<Finding, ApplyError> {
        const NAME: &str = "data";
        let (plan, state, phases) = (self.plan(), &self.state, &self.phases);
        let mut asked: Vec<&DataCheck> = match self.direction {
            Direction::Apply => plan.questions(phases, &state.done).collect(),
            Direction::Rollback => {
                let is_done = |check: &&DataCheck| {
                    let mut steps = plan.steps.iter().filter(|step| step.object == check.object);
                    steps.any(|step| step.phase == check.phase && state.done.contains(&step.id))
                };
                let back =
                    plan.data_checks.iter().filter(|check| check.back && phases.contains(&check.phase));
                back.filter(is_done).collect()
            }
        };
        let of_gone = |check: &&DataCheck| {
            let mut moot = plan.steps.iter().filter(|step| self.moot.contains(&step.id));
            moot.any(|step| step.object == check.object)
        };
        asked.retain(|check| !of_gone(check));
        // they come out of the plan, and call what its expressions call: not before those who may say so have read them
        if self.covered.len() != phases.len() && !asked.is_empty() {
            let check = Check::warn(
                NAME,
                "not asked: what the plan asks of the data is run once it is approved",
                "approve the plan; where it was made, `trueup plan` has asked",
            );
            return Ok(check.into());
        }
        let rows = run::in_the_way(self.session, asked.iter().copied()).await;
        let rows = rows.map_err(|source| ApplyError::Query { what: "looking at the data", source })?;
        let found = match (rows.is_empty(), asked.len(), self.direction) {
            (false, _, Direction::Apply) => Err(Refusal::Data(rows)),
            (false, _, Direction::Rollback) => Err(Refusal::NoWayBack(rows)),
            (true, 0, _) => Ok("no step can fail on a row".to_owned()),
            (true, _, _) => Ok("no row is in the way".to_owned()),
        };
        Ok(Finding::of(NAME, found))
    }

    /// How old names are used, where contract takes them away.
    async fn gate(&mut self, progress: &mut impl Progress) -> Result<Vec<Finding>, ApplyError> {
        // behind expand, it is asked again when that is done
        if self.phases.first() != Some(&Phase::Contract) || self.plan().old_names.is_empty() {
            return Ok(Vec::new());
        }
        let uses = gate::uses(self.session, self.plan()).await?;
        progress.event(Event::OldNames(&uses));
        let asked = self.options.quiet;
        let quiet = self.permission().await?.quiet(asked);
        let said = uses.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
        if self.options.old_names_accepted {
            self.accepted.extend(gate::accepted(&uses, quiet));
            return Ok(vec![Finding::pass("deploy gate", said)]);
        }
        Ok(vec![Finding::of("deploy gate", gate::pass(&uses, quiet).map(|()| said))])
    }

    /// What a rollback costs; refused unless that is accepted: here, or by its approvals, where policy asks for some.
    async fn losses(&mut self, progress: &mut impl Progress) -> Result<Vec<Finding>, ApplyError> {
        const NAME: &str = "losses";
        let Some(live) = &self.live else { return Ok(Vec::new()) };
        let costs =
            cost::of(self.session, &self.options.plan.plan.loss_counts, self.steps_left().rev(), live).await;
        self.costs =
            costs.map_err(|source| ApplyError::Query { what: "counting what would be lost", source })?;
        let approved = self.permission().await?.policy.rollback;
        let costs = &self.costs[..];
        if costs.is_empty() {
            return Ok(vec![Finding::pass(NAME, "no row and no value is lost")]);
        }
        progress.event(Event::Costs(costs));
        let said = costs.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
        if self.options.dry_run && self.options.consent == Consent::Ask {
            let next = "whoever rolls back says yes to that: --accept DATA_LOSS";
            return Ok(vec![Check::warn(NAME, said, next).into()]);
        }
        let accepted = match self.options.consent {
            Consent::Accepted => true,
            // what was lost by the apply was accepted then
            Consent::NoNewLoss => costs.iter().all(|cost| cost.gone),
            Consent::Ask => approved || progress.accepts(),
        };
        Ok(vec![Finding::of(NAME, if accepted { Ok(said) } else { Err(Refusal::Loses(costs.to_vec())) })])
    }

    /// What is left to run, in batches, of each phase. A step that has nothing to do any more is done by its batch all the same.
    fn left_of_each(&self) -> Vec<Vec<Batch>> {
        let of_phase = |phase: &Phase| {
            let steps: Vec<&PlannedStep> = self.remaining().filter(|step| step.phase == *phase).collect();
            let mut batches = match self.direction {
                Direction::Apply => Batch::forward(&steps),
                Direction::Rollback => Batch::backward(&steps),
            };
            for batch in &mut batches {
                batch.leave_out(&self.moot);
            }
            batches
        };
        self.phases.iter().map(of_phase).collect()
    }
}
