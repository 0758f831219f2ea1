//! The plan as data: what is reviewed, approved, applied and rolled back.
//!
//! A [`Plan`] is complete: `apply` and `rollback` need nothing but it and the target. It promises that the same
//! inputs give the same bytes, and that bytes it does not understand are refused. How it is written and read is in
//! `format` and `folder`, whether it still fits a database in `staleness`.

mod assumption;
mod batch;
mod commute;
pub mod compatibility;
mod family;
mod floor;
pub mod folder;
pub mod format;
mod made_for;
pub mod overlap;
pub mod reading;
pub mod reproduced;
pub mod script;
pub mod staleness;
mod stand_in;
mod statement;

pub use assumption::Assumption;
pub use batch::{Batch, Item, Runnable};
pub(crate) use commute::{dependents, is_hard};
pub use family::moot;
pub use folder::{FolderError, PlanFile};
pub use format::{Digest, from_text};
pub use made_for::{Given, MadeFor};
pub use staleness::footprint_closure;
pub use stand_in::StandIn;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::{
    catalog::{Catalog, Fingerprint},
    hazard::Hazard,
    name::ObjectId,
    sql::Sql,
    step::{Action, DataCheck, LossCount, Observed, OldName, Operation, Phase, Step, Timeouts, Verb, With},
};

/// The format that this version writes and the only one it reads.
pub const FORMAT: u32 = 2;

/// How the notes begin that are about rows which would make a step fail.
pub const IN_THE_WAY: &str = "rows are in the way, and apply will refuse: ";

/// An ordered, rehearsed list of steps from one catalog to another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// The format of this file: [`FORMAT`].
    pub format: u32,
    /// The plan's name, also its folder's.
    pub name: String,
    /// When it was made.
    pub created: jiff::Timestamp,
    /// The version of trueup that made it.
    pub tool: String,
    /// `server_version_num` of the target.
    pub server_version: u32,
    /// The target without credentials: `db.example:5432/shop`.
    pub target: String,
    /// The role that planned, and that is expected to apply.
    pub role: String,
    /// Who made it, where that is known: policy may refuse their approval.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<String>,
    /// The schemas that the plan manages.
    pub schemas: Vec<String>,
    /// Whether owners are compared.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub owners: bool,
    /// The roles that what the plan makes names: they must be there.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub roles: BTreeSet<String>,
    /// The fingerprint of the footprint at base and after each phase.
    pub checkpoints: Checkpoints,
    /// What it adds up to.
    pub summary: Summary,
    /// The environment that it was made for, and what of that shaped it. None: the defaults would.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made_for: Option<MadeFor>,
    /// What stood in for the database, where it was made without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<StandIn>,
    /// What was proven, and what could not be.
    pub rehearsal: Rehearsal,
    /// Objects in the managed schemas of classes that trueup does not model: reported, never touched.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unmanaged: Vec<String>,
    /// Remarks for the reader.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// What is asked of the data before anything is changed.
    #[serde(default, rename = "data_check", skip_serializing_if = "Vec::is_empty")]
    pub data_checks: Vec<DataCheck>,
    /// What is asked of the data before a rollback: what it would lose.
    #[serde(default, rename = "loss_count", skip_serializing_if = "Vec::is_empty")]
    pub loss_counts: Vec<LossCount>,
    /// What was decided by how much there was.
    #[serde(default, rename = "assumption", skip_serializing_if = "Vec::is_empty")]
    pub assumptions: Vec<Assumption>,
    /// The columns that have two names between the phases.
    #[serde(default, rename = "old_name", skip_serializing_if = "Vec::is_empty")]
    pub old_names: Vec<OldName>,
    /// What the plan has in relations only between two batches of a phase, there or back.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub transient: BTreeSet<ObjectId>,
    /// The steps, in the order they run.
    #[serde(rename = "step")]
    pub steps: Vec<PlannedStep>,
    /// The objects that the plan touches or depends on.
    #[serde(default)]
    pub footprint: Vec<FootprintEntry>,
}

/// Fingerprints over the whole footprint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Checkpoints {
    /// Before anything ran.
    pub base: Fingerprint,
    /// After each phase that the plan has.
    pub after: BTreeMap<Phase, Fingerprint>,
}

/// Counts for the first line of a review.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Summary {
    /// Objects created.
    pub create: u32,
    /// Objects altered, renamed or validated.
    pub alter: u32,
    /// Objects dropped and created anew.
    pub replace: u32,
    /// Objects dropped.
    pub drop: u32,
}

/// What the rehearsal proved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rehearsal {
    /// What was executed and compared, in order: `up`, `equal to desired`, `down`, `equal to live`, `up`.
    pub proven: Vec<String>,
    /// What could not be rehearsed, and why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_rehearsed: Vec<String>,
}

/// A step as it stands in the plan file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlannedStep {
    /// 1, 2, 3 …
    pub id: u32,
    /// When it may run.
    pub phase: Phase,
    /// Steps with the same number share a transaction.
    pub batch: u32,
    /// What it does.
    pub action: Verb,
    /// To what.
    pub object: ObjectId,
    /// One line for the reader.
    pub summary: String,
    /// What the statements do, and so how they are run.
    pub operation: Operation,
    /// The statements.
    pub sql: Vec<Sql>,
    /// How long they may wait and run.
    pub timeouts: Timeouts,
    /// Set for what only the way back does: with which other step it counts as done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub with: Option<With>,
    /// Rows of live's table that a scan, build or rewrite goes over, as the planner estimates them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<u64>,
    /// What the rehearsal saw.
    #[serde(default)]
    pub seen: Observed,
    /// What it risks.
    #[serde(default, rename = "hazard", skip_serializing_if = "Vec::is_empty")]
    pub hazards: Vec<Hazard>,
    /// The way back.
    pub undo: PlannedUndo,
}

/// The way back of one step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlannedUndo {
    /// What the statements do, and so how they are run.
    pub operation: Operation,
    /// The statements; empty when there is nothing to do.
    pub sql: Vec<Sql>,
    /// How long they may wait and run.
    pub timeouts: Timeouts,
    /// What the rehearsal saw.
    #[serde(default)]
    pub seen: Observed,
    /// What it risks.
    #[serde(default, rename = "hazard", skip_serializing_if = "Vec::is_empty")]
    pub hazards: Vec<Hazard>,
}

/// One object that the plan touches or depends on, and what it must be at each point. None: it must not exist.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FootprintEntry {
    /// Which object.
    pub object: ObjectId,
    /// What it is before the plan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<Fingerprint>,
    /// Whether it is only of a table that the plan changes, and neither changed nor needed itself: others may change it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub independent: bool,
    /// What it needs once the plan has made it, or changed it: what others may not take away meanwhile.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub needs: BTreeSet<ObjectId>,
    /// What it is at the end of each phase that changes it; where a phase is missing, as it was before.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub after: BTreeMap<Phase, Change>,
    /// Its DDL at base, so that a difference can be shown.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ddl: Vec<Sql>,
    /// Set where PostgreSQL may print the object's texts in another way once the plan has touched it, as it does
    /// with some texts when they are loaded again: from then on the object is compared without them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub loose: Option<Loose>,
}

/// An object whose texts are not compared once the plan has touched it; what is in `after` leaves them out, too.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Loose {
    /// What it is before the plan, without its texts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<Fingerprint>,
}

/// What a phase made of an object of the footprint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// It is this now.
    Became(Fingerprint),
    /// It is gone.
    Gone,
}

impl PlannedStep {
    /// The step as it was before it was sealed.
    pub fn to_step(&self) -> Step {
        let undo = &self.undo;
        Step {
            phase: self.phase,
            verb: self.action,
            object: self.object.clone(),
            summary: self.summary.clone(),
            run: action(&self.operation, &self.sql, self.timeouts),
            undo: action(&undo.operation, &undo.sql, undo.timeouts),
            batch: self.batch,
            with: self.with,
        }
    }
}

fn action(operation: &Operation, sql: &[Sql], timeouts: Timeouts) -> Action {
    let code = sql.iter().enumerate().filter_map(|(at, sql)| Some((at, statement::code_of(sql)?))).collect();
    Action { operation: operation.clone(), sql: sql.to_vec(), timeouts, code }
}

impl FootprintEntry {
    /// What [`Self::actual`] must be once every phase up to `phase` has run; None for the base, once the plan was
    /// undone.
    pub fn expected(&self, phase: Option<Phase>) -> Option<&Fingerprint> {
        let last = phase.and_then(|phase| self.after.range(..=phase).next_back());
        match (last, &self.loose) {
            (Some((_, Change::Became(fingerprint))), _) => Some(fingerprint),
            (Some((_, Change::Gone)), _) => None,
            (None, Some(loose)) => loose.base.as_ref(),
            (None, None) => self.base.as_ref(),
        }
    }

    /// What the object is, to be compared once the plan has touched it.
    pub fn actual(&self, catalog: &Catalog) -> Option<Fingerprint> {
        match &self.loose {
            Some(_) => catalog
                .objects
                .get(&self.object)
                .map(|object| object.without_texts().fingerprint(&self.object)),
            None => catalog.fingerprint(&self.object),
        }
    }
}

impl Checkpoints {
    /// The fingerprints over a footprint, for a plan that has these phases.
    pub fn of(footprint: &[FootprintEntry], phases: &[Phase]) -> Self {
        let over = |expected: &dyn for<'e> Fn(&'e FootprintEntry) -> Option<&'e Fingerprint>| {
            let line = |entry| expected(entry).map(|fingerprint| format!("{} {fingerprint}\n", entry.object));
            Fingerprint::of(footprint.iter().filter_map(line).collect::<String>())
        };
        let after = |phase: &Phase| (*phase, over(&|entry| entry.expected(Some(*phase))));
        Self { base: over(&|entry| entry.base.as_ref()), after: phases.iter().map(after).collect() }
    }
}

impl Plan {
    /// The phases that the plan has, in order.
    pub fn phases(&self) -> Vec<Phase> {
        Phase::ALL.into_iter().filter(|phase| self.steps.iter().any(|step| step.phase == *phase)).collect()
    }

    /// The notes that decide whether it can be applied at all: rows that are in the way.
    pub fn deciding_notes(&self) -> Vec<&String> {
        self.notes.iter().filter(|note| note.starts_with(IN_THE_WAY)).collect()
    }

    /// What the data is asked before these phases are applied, of which some steps may be done.
    pub fn questions<'p>(
        &'p self,
        phases: &'p [Phase],
        done: &BTreeSet<u32>,
    ) -> impl Iterator<Item = &'p DataCheck> + Clone {
        let is_done = |step: &PlannedStep| step.action == Verb::Rename && done.contains(&step.id);
        let renamed = self.steps.iter().any(is_done);
        self.data_checks.iter().filter(move |check| {
            !check.back && phases.contains(&check.phase) && !(renamed && check.by_old_names)
        })
    }
}
