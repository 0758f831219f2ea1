//! Planning, from a live database and desired SQL to a rehearsed plan. Live is only read.
//!
//! ```text
//! read ─ elaborate ─ diff ─ observe ─ lower ─ rehearse ─ judge ─ seal
//! ```
//!
//! `workshop` does what needs scratch databases; everything decided here is decided by pure functions over what was
//! read. Nothing loops back.

mod again;
mod annotated;
mod between;
pub mod check;
mod convert;
mod extension;
mod fills;
mod live_names;
mod naming;
mod part;
mod proven;
mod question;
mod rename;
mod seal;
mod secret;
pub mod side;
mod workshop;

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    catalog::{
        Catalog,
        scope::{Manage, Scope},
    },
    config::{BackfillTriggers, Shaping},
    diff::{self, DiffError},
    facts::{self, Facts},
    graph,
    journal::OpenPlan,
    lower::{self, Context, Now},
    name::{Kind, ObjectId, Pair},
    plan::{FootprintEntry, IN_THE_WAY, MadeFor, Plan, PlannedStep},
    postgres::{OnDemand, ScratchError, Session, server_words},
    rehearse::{self, RehearsalError},
    run,
    secret::Secrets,
    source::{
        desired::{Desired, LoadErrors},
        kept::Kept,
        live::{self, ReadError},
    },
    step::{Phase, Step},
    visible::visible_line,
};

use tokio_postgres::error::SqlState;

use live_names::LiveNames;
use naming::{Named, Naming};
pub use question::Question;

/// What a plan is made of.
pub struct Inputs<'a> {
    /// The database to be changed. It is only read.
    pub live: &'a Session,
    /// Where throwaway databases are made, if any are needed.
    pub scratch: &'a OnDemand<'a>,
    /// Where elaborated desired schemas are kept, if they are.
    pub kept: Option<&'a Kept>,
    /// What SQL the database stands for that is given as live: nobody knows what rows there are then.
    pub from: Option<&'a str>,
    /// What is wanted, as SQL.
    pub desired: &'a Desired,
    /// A database that is as wanted, instead of SQL. It is only read.
    pub other: Option<&'a Session>,
    /// The plans of which a part remains.
    pub open: Vec<OpenPlan>,
    /// Which schemas are managed.
    pub manage: Manage,
    /// Patterns of objects to leave alone.
    pub ignore: Vec<String>,
    /// Whether owners are compared.
    pub owners: bool,
    /// What of the environment shapes the plan.
    pub shaping: Shaping,
    /// The secrets that are given: live's are compared with them.
    pub secrets: &'a Secrets,
    /// Tables and columns that may be dropped without asking whether they were renamed; `all` for any.
    pub assume_drop: BTreeSet<String>,
    /// The plan's name.
    pub name: String,
    /// Who plans: whom policy may bar from approving.
    pub author: Option<String>,
    /// The time that the plan says it was made.
    pub created: jiff::Timestamp,
    /// Told, in a few words, what is being done.
    pub progress: &'a dyn Fn(&str),
}

impl Inputs<'_> {
    /// What is compared of a catalog.
    fn compared(&self, mut catalog: Catalog) -> Catalog {
        if !self.owners {
            catalog.forget_owners();
        }
        catalog
    }

    /// Whether a table, by its name as SQL has it, has rows. None where that cannot be told: the role may not read it, policies
    /// would hide some, or there is no database to ask.
    async fn has_rows(&self, table: &str) -> Result<Option<bool>, PlanningError> {
        if self.from.is_some() {
            return Ok(None);
        }
        match run::has_rows(self.live, table).await {
            Err(source) if source.code() == Some(&SqlState::INSUFFICIENT_PRIVILEGE) => Ok(None),
            seen => seen.map(Some).map_err(|source| PlanningError::Query { what: "rows of a table", source }),
        }
    }

    /// What is known of the tables' sizes.
    async fn facts(&self) -> Result<Facts, PlanningError> {
        Ok(if self.from.is_some() { Facts::default() } else { facts::observe(self.live).await? })
    }
}

/// What planning came to.
#[derive(Debug)]
pub enum Planned {
    /// Live is as it should be.
    Nothing(Remarks),
    /// Something must be answered first.
    Questions(Vec<Question>),
    /// A plan.
    Plan(Box<Plan>),
}

/// What is worth saying beside the plan.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Remarks {
    /// Notes on the desired SQL: `schema/a.sql:3:1: INSERT is skipped`.
    pub notes: Vec<String>,
    /// Objects of classes that trueup does not model.
    pub unmanaged: Vec<String>,
    /// How many objects are outside the managed schemas or ignored.
    pub ignored: usize,
}

/// Why there is no plan.
#[derive(Debug, thiserror::Error)]
pub enum PlanningError {
    /// A catalog could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A scratch database could not be had.
    #[error(transparent)]
    Scratch(#[from] ScratchError),
    /// The desired SQL does not load.
    #[error(transparent)]
    Load(#[from] LoadErrors),
    /// There is no way from live to desired.
    #[error(transparent)]
    Diff(#[from] DiffError),
    /// An annotation names nothing, or nothing that can be renamed.
    #[error("{at}: {why}")]
    Annotation {
        /// Where it is.
        at: String,
        /// What is wrong with it.
        why: String,
    },
    /// Something differs that trueup does not model.
    #[error("these objects differ and are of classes that trueup does not change yet: {}", .0.join(", "))]
    Unmanaged(Vec<String>),
    /// Annotations that ask for what is not built yet.
    #[error("trueup does not do this yet: {}", .0.join("; "))]
    NotYet(Vec<String>),
    /// A plan stopped part-way.
    #[error("{} stopped part-way", visible_line(.0))]
    PartWay(String),
    /// Other plans are not at their end.
    #[error("another plan is between its phases: {}", .0.join("; "))]
    Overlaps(Vec<String>),
    /// What a plan between its phases has made is not there any more.
    #[error("what another plan has made between its phases is not as it made it: {}", .0.iter().take(5).cloned().collect::<Vec<_>>().join("; "))]
    Broken(Vec<String>),
    /// Columns that cannot have two names for a while.
    #[error("these cannot be renamed online: {}", .0.join("; "))]
    NotOnline(Vec<String>),
    /// Columns that cannot have two types for a while.
    #[error("these cannot be converted online: {}", .0.join("; "))]
    NotConvertible(Vec<String>),
    /// Columns that refuse NULL, have no default, and are new in tables that have rows.
    #[error("no value is given for the rows that are there: {}", .0.join("; "))]
    NeedsValue(Vec<String>),
    /// A backfill that skips triggers would skip the check of a foreign key.
    #[error(
        "{column} is filled and part of {key}, which is checked by triggers, and `backfill_triggers = \"skip\"` skips them"
    )]
    UncheckedKey {
        /// The column.
        column: ObjectId,
        /// The foreign key.
        key: ObjectId,
    },
    /// Columns whose values PostgreSQL cannot convert.
    #[error("PostgreSQL has no cast for {}", .0.join("; "))]
    NoCast(Vec<String>),
    /// Extensions that cannot get to the version that is asked for.
    #[error("PostgreSQL has no update path for {}", .0.join("; "))]
    NoUpdatePath(Vec<String>),
    /// Live could not be built anew on scratch.
    #[error("cannot rebuild the database on scratch: {why}")]
    Rebuild {
        /// Which statement failed and what PostgreSQL said, or what differs.
        why: String,
    },
    /// Live could not be built anew on scratch, for nothing but options that the server sets by itself.
    #[error(
        "the server sets options by itself that this release of trueup does not know: {}, such as on {example}",
        names.join(", ")
    )]
    ServerOptions {
        /// The options' names.
        names: Vec<String>,
        /// An object that has one, and on how many others it is.
        example: String,
    },
    /// The rehearsal failed.
    #[error(transparent)]
    Rehearsal(#[from] RehearsalError),
    /// What a rehearsal shows is not what the plan says of it.
    #[error("the plan is not what its rehearsal shows: {}", .0.iter().take(5).cloned().collect::<Vec<_>>().join("; "))]
    Unlike(Vec<String>),
    /// A query of trueup's own failed.
    #[error("cannot ask the server for {what}: {}", server_words(source))]
    Query {
        /// What was asked.
        what: &'static str,
        /// What the server said.
        source: tokio_postgres::Error,
    },
}

impl PlanningError {
    /// The error for options of these names, if there are any.
    fn server_options(catalog: &Catalog, names: &BTreeSet<String>) -> Option<Self> {
        let with = catalog.with_options(names);
        let example = match *with.as_slice() {
            [] => return None,
            [one] => one.to_string(),
            [first, ..] => format!("{first} and {} more", with.len() - 1),
        };
        Some(Self::ServerOptions { names: names.iter().cloned().collect(), example })
    }

    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        let text = match self {
            Self::Read(_) | Self::Query { .. } | Self::Load(_) | Self::Annotation { .. } => return None,
            Self::Scratch(error) => error.hint(),
            Self::Diff(DiffError::Refused(_) | DiffError::Cycle(_)) => {
                "change the desired SQL, or make this change by hand and plan again"
            }
            Self::Unmanaged(_) => "make this change by hand on the database, then plan again",
            Self::NotYet(_) => {
                "take the annotation away and make this change in two plans, or write `instant` for a rename"
            }
            Self::Unlike(_) => {
                "do not approve it: it was edited, or made by another version; make it again with `trueup plan`"
            }
            Self::PartWay(_) => "apply it again to go on, or roll it back; then plan",
            Self::Broken(_) => {
                "make it again as it was, and apply what remains of that plan; or roll it back, or `trueup abandon` it; then plan"
            }
            Self::Overlaps(_) => "apply what remains of that plan, or roll it back; then plan again",
            Self::NotOnline(_) => {
                "write `instant` behind @renamed, and deploy the code that uses the new name together with that plan"
            }
            Self::NotConvertible(_) => {
                "write `instant` behind @convert, and apply the plan while the table may stand still"
            }
            Self::UncheckedKey { .. } => {
                "take `backfill_triggers` out of the environment in trueup.toml, or have it say \"fire\""
            }
            Self::NoCast(_) => "say how: `-- @convert using=…` on the column; or create a cast",
            Self::NeedsValue(_) => {
                "say what the rows that are there get: `-- @backfill using=…` on the column; or give it a DEFAULT"
            }
            Self::NoUpdatePath(_) => {
                "ask for a version that `SELECT * FROM pg_extension_update_paths('…')` leads to, or for none"
            }
            Self::Rebuild { .. } => {
                "give a server that can hold a copy of the schema with --shadow-url, or report this as a bug"
            }
            Self::ServerOptions { names, .. } => {
                let list = names.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ");
                return Some(format!(
                    "leave them out until a release does: [compare] ignore_options = [{list}] in trueup.toml"
                ));
            }
            Self::Rehearsal(RehearsalError::Run { source, .. }) if source.is_of_search_path() => {
                "code of the database has the search_path of the role that plans (ALTER ROLE, ALTER DATABASE … SET): name the schema in the function, or give it one (SET search_path = …)"
            }
            Self::Rehearsal(RehearsalError::Run { source, .. }) if source.is_of_a_value() => {
                "a value that the desired SQL says, or computes, is none of its column's type: change one of them"
            }
            Self::Rehearsal(_) | Self::Diff(DiffError::Order(_)) => {
                "nothing was written; please report this with both schemas, since a plan should not fail"
            }
        };
        Some(text.to_owned())
    }
}

/// Makes a plan.
pub async fn plan(inputs: &Inputs<'_>) -> Result<Planned, PlanningError> {
    let (workshop, gathered) = Box::pin(gather(inputs)).await?;
    if gathered.is_reached() {
        return Ok(Planned::Nothing(gathered.remarks));
    }
    // most texts print the same a second time: only where live's do not, or the rehearsal ends elsewhere, are the desired
    // ones printed until they do
    let plan_to = |texts| Box::pin(plan_from(inputs, &workshop, &gathered, texts));
    match plan_to(Texts::AsPrinted).await {
        Err(PlanningError::Rehearsal(_) | PlanningError::Diff(_)) => {
            tracing::debug!("once more, with texts that are stable");
            plan_to(Texts::Stable).await
        }
        planned => planned,
    }
}

/// Whether live is as desired, as far as that shows without a rehearsal: what is not may still be a matter of how PostgreSQL
/// prints it.
pub async fn is_reached(inputs: &Inputs<'_>) -> Result<bool, PlanningError> {
    let (_, gathered) = Box::pin(gather(inputs)).await?;
    Ok(gathered.is_reached())
}

/// The objects that a plan makes something else than the desired schema has them: it was made for another one.
pub async fn not_as_desired(inputs: &Inputs<'_>, plan: &Plan) -> Result<Vec<ObjectId>, PlanningError> {
    let (workshop, gathered) = Box::pin(gather(inputs)).await?;
    let stable = workshop.normalised(&gathered.wanted, &gathered.live).await?;
    let last = plan.phases().last().copied();
    let differs = |entry: &&FootprintEntry| {
        let end = entry.expected(last);
        !entry.after.is_empty()
            && [&gathered.wanted, &stable].into_iter().all(|wanted| entry.actual(wanted).as_ref() != end)
    };
    Ok(plan.footprint.iter().filter(differs).map(|entry| entry.object.clone()).collect())
}

/// Reads what there is and what is wanted.
async fn gather<'a>(inputs: &'a Inputs<'_>) -> Result<(workshop::Workshop<'a>, Gathered<'a>), PlanningError> {
    let progress = inputs.progress;
    progress("reading the database");
    let mut live_all = inputs.compared(live::read(inputs.live).await?);
    progress("loading the desired schema");
    let mut workshop = workshop::Workshop::open(inputs, &live_all).await?;
    let mut wanted_all = workshop.elaborate(&live_all).await?;
    let open = between::phases(&inputs.open)?;
    if !open.is_empty() {
        between::refuse_broken(&open, &live_all)?;
        let stable = workshop.normalised(&wanted_all, &live_all).await?;
        between::settle(&open, &live_all, &mut wanted_all, &stable)?;
    }
    let versions = inputs.desired.extension_versions();
    extension::ask(Pair::new(&mut live_all, &mut wanted_all), &versions);
    let scope = Scope::decide(&inputs.manage, &live_all, &wanted_all, &inputs.ignore);
    let mut remarks = remarks(inputs, &live_all, &wanted_all, &scope)?;
    remarks.notes.extend(secret::compare(inputs, Pair::new(&mut live_all, &mut wanted_all)).await?);
    proven::keep(&live_all, &mut wanted_all);
    Ok((workshop, Gathered { live: live_all, wanted: wanted_all, scope, versions, open, remarks }))
}

/// What planning begins with.
struct Gathered<'a> {
    live: Catalog,
    wanted: Catalog,
    scope: Scope,
    versions: BTreeMap<String, String>,
    open: Vec<between::Between<'a>>,
    remarks: Remarks,
}

impl Gathered<'_> {
    /// Whether there is nothing to do.
    fn is_reached(&self) -> bool {
        let (live, wanted) = (self.live.within(&self.scope), self.wanted.within(&self.scope));
        live.objects == wanted.objects && extension::updates(&live, &wanted, &self.versions).is_empty()
    }
}

/// Which texts of the desired catalog are planned to: PostgreSQL prints some of its own texts in another way.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Texts {
    /// As they were printed once.
    AsPrinted,
    /// As they are printed again and again.
    Stable,
}

/// Makes a plan of what was read.
async fn plan_from(
    inputs: &Inputs<'_>,
    workshop: &workshop::Workshop<'_>,
    gathered: &Gathered<'_>,
    texts: Texts,
) -> Result<Planned, PlanningError> {
    let Gathered { live: live_all, wanted: wanted_all, scope, versions, open, remarks } = gathered;
    let (progress, major, mut remarks) = (inputs.progress, inputs.live.major(), remarks.clone());
    let (live, wanted) = (live_all.within(scope), wanted_all.within(scope));
    let updates = extension::updates(&live, &wanted, versions);
    progress("rebuilding the database on scratch");
    let (clone, base_all) = workshop.clone_of(live_all, true).await?;
    progress("comparing");
    let mut wanted = if texts == Texts::AsPrinted && base_all.objects == live_all.objects {
        wanted
    } else {
        workshop.normalised(wanted_all, &base_all).await?.within(scope)
    };
    let base = base_all.within(scope);

    extension::refuse_pathless(clone.session(), &updates).await?;
    let context = Context { role: workshop.role().to_owned(), major, ..Context::default() };
    let annotations = between::left(&inputs.desired.annotations, open);
    let naming = Naming { inputs, workshop, scope, clone: &clone, base: &base, context: &context };
    let Named { steps: renames, all, by_default, columns, tables, forms, catalog: start } =
        Box::pin(naming.settle(&annotations, updates, &mut wanted)).await?;
    let catalogs = Pair::new(&start, &wanted);
    let changes = diff::diff(catalogs).map_err(DiffError::from)?;
    let questions = question::ask(&changes, &inputs.assume_drop);
    if !questions.is_empty() {
        return Ok(Planned::Questions(questions));
    }
    if changes.is_empty() && renames.is_empty() && columns.is_empty() && tables.is_empty() {
        return Ok(Planned::Nothing(remarks));
    }
    let mut used = BTreeMap::new();
    let annotations = annotated::with_values(annotations, &changes, &inputs.shaping.values, &mut used)?;
    // expressions say the names that are to be; what is renamed online has these, too, when they are computed
    let live_names = LiveNames::across(&all, &clone, workshop).await?;
    let conversions =
        convert::read(&annotations, &base, catalogs, &changes, clone.session(), workshop).await?;
    let replaced = convert::replaced(&conversions, catalogs.before);
    let changes = if replaced.is_empty() {
        changes
    } else {
        diff::diff_forcing(catalogs, &replaced).map_err(DiffError::from)?
    };
    let changes = graph::untangle(catalogs, changes, &replaced);
    let twins = convert::twins(&conversions, &changes, catalogs, &clone, workshop).await?;
    annotated::refuse_uncastable(clone.session(), &changes, &conversions).await?;
    let mut fills = fills::read(&annotations, &changes, clone.session()).await?;
    let of_empty =
        fills::of_defaults(inputs, &live_names, catalogs, &changes, clone.session(), &mut fills).await?;
    workshop.undo(&clone, &all).await?;
    annotated::refuse_missing_values(inputs, &changes, catalogs.before, &live_names, &fills).await?;
    let context = Context {
        fills,
        of_empty,
        live_names: live_names.otherwise(),
        renamings: columns,
        table_renamings: tables,
        conversions,
        twins,
        ..context
    };
    let expected = workshop::with(&base_all, &base, &wanted);
    between::refuse_overlaps(open, &base_all, &expected)?;
    let mut facts = inputs.facts().await?;
    live_names.rename(&mut facts);
    let mut steps = renames;
    let first = steps.iter().map(|step| step.batch).max().unwrap_or(0);
    steps.extend(lower::lower(catalogs, &changes, &context)?.into_iter().map(|mut step| {
        step.batch += first;
        step
    }));
    forms.among(&mut steps);
    if inputs.shaping.backfill_triggers == BackfillTriggers::Skip {
        fills::skip_triggers(&mut steps, &base)?;
    }
    let changed = changes.keys().chain(steps.iter().map(|step| &step.object));
    let names: BTreeSet<&str> = changed.flat_map(|id| id.path.parts()).map(String::as_str).collect();
    for (name, places) in inputs.desired.values_in(&names) {
        used.entry(name).or_default().extend(places);
    }
    let made_for = MadeFor::of(&inputs.shaping, used, by_default);
    progress("looking at the data");
    let questions = |now| lower::data_checks(catalogs, &changes, &context, &steps, now);
    let data_checks = questions(Now::BeforeEachPhase);
    let asked = questions(Now::BeforeAll);
    let asked = asked.iter().filter(|check| !check.back);
    let rows = run::in_the_way(inputs.live, asked).await;
    let rows = rows.map_err(|source| PlanningError::Query { what: "the data", source })?;
    remarks.notes.extend(rows.iter().map(|rows| format!("{IN_THE_WAY}{rows}")));
    progress("rehearsing: there, back, and there again");
    workshop.fill(&clone, catalogs, &changes).await;
    let rehearsed =
        rehearse::rehearse(clone.session(), &steps, Pair::new(&base_all, &expected), workshop.as_live())
            .await?;
    let read = context.fills.iter().map(|(column, fill)| (column.clone(), fill.elsewhere.clone())).collect();
    let sealing = seal::Sealing {
        inputs,
        role: workshop.role(),
        scope,
        live: live_all,
        catalogs: Pair::new(&base_all, &expected),
        changes: &changes,
        forms: &forms.changes,
        facts: &facts,
        live_names: &live_names,
        rehearsed: &rehearsed,
        of_empty: &context.of_empty,
        read,
        made_for,
        data_checks,
        loss_counts: lower::loss_counts(catalogs, &changes, &context, &steps),
        old_names: context.renamings.iter().map(|(column, renaming)| renaming.old_name(column)).collect(),
        remarks,
    };
    Ok(Planned::Plan(Box::new(sealing.seal(steps))))
}

/// Rehearses a plan again: on a clone of live as it is now, which must be what the plan starts from.
pub async fn rehearse_again(inputs: &Inputs<'_>, plan: &Plan) -> Result<(), PlanningError> {
    let mut live = inputs.compared(live::read(inputs.live).await?);
    let steps: Vec<Step> = plan.steps.iter().map(PlannedStep::to_step).collect();
    extension::keep_versions(&mut live, steps.iter().map(|step| &step.object));
    let workshop = workshop::Workshop::open(inputs, &live).await?;
    let (clone, base) = workshop.clone_of(&live, true).await?;
    workshop.fill_all(&clone, &base).await;
    let end = workshop.after(&clone, &steps).await?;
    // what the plan changes must become what the plan says; the rest is compared object by object, there and back
    let wrong: Vec<String> = plan
        .footprint
        .iter()
        .filter(|entry| !entry.after.is_empty())
        .filter(|entry| entry.expected(Some(Phase::Contract)) != entry.actual(&end).as_ref())
        .map(|entry| format!("{} is not what the plan says", entry.object))
        .collect();
    if !wrong.is_empty() {
        return Err(PlanningError::Unlike(wrong));
    }
    let catalogs = Pair::new(&base, &end);
    let rehearsed = rehearse::rehearse(clone.session(), &steps, catalogs, workshop.as_live()).await?;
    let facts = facts::observe(inputs.live).await?;
    let wrong = again::differences(plan, &steps, &rehearsed, catalogs, &facts);
    if wrong.is_empty() { Ok(()) } else { Err(PlanningError::Unlike(wrong)) }
}

/// What is left out, and what must not be: a difference that no plan would hold.
fn remarks(
    inputs: &Inputs<'_>,
    live: &Catalog,
    wanted: &Catalog,
    scope: &Scope,
) -> Result<Remarks, PlanningError> {
    let differs: Vec<String> = match inputs.manage {
        // a database that has more than the SQL says is no reason to stop, unless all of it is managed
        Manage::All => live
            .unmanaged
            .iter()
            .filter(|(name, state)| wanted.unmanaged.get(*name) != Some(state))
            .chain(wanted.unmanaged.iter().filter(|(name, _)| !live.unmanaged.contains_key(*name)))
            .map(|(name, _)| name.clone())
            .collect(),
        Manage::Only(_) | Manage::Declared(_) => wanted
            .unmanaged
            .iter()
            .filter(|(name, state)| live.unmanaged.get(*name) != Some(state))
            .map(|(name, _)| name.clone())
            .collect(),
    };
    if !differs.is_empty() {
        return Err(PlanningError::Unmanaged(differs));
    }
    let mut notes: Vec<String> =
        inputs.desired.notes.iter().map(|note| format!("{}: {}", note.at, note.message)).collect();
    let tables = |catalog: &Catalog| -> BTreeSet<ObjectId> {
        catalog.objects.keys().filter(|id| id.kind == Kind::Table && scope.covers(id)).cloned().collect()
    };
    let (there, desired) = (tables(live), tables(wanted));
    if !there.is_empty() && !desired.is_empty() && there.is_disjoint(&desired) {
        let count = if there.len() == 1 { "1 table".to_owned() } else { format!("{} tables", there.len()) };
        notes.insert(
            0,
            format!(
                "the database has {count}, and none of them is in the schema: is this the right database?"
            ),
        );
    }
    let ignored = live.objects.keys().filter(|id: &&ObjectId| !scope.covers(id)).count();
    Ok(Remarks { notes, unmanaged: live.unmanaged.keys().cloned().collect(), ignored })
}
