//! Drafts: what recipes make, before it is known which of them share a transaction.

use std::collections::BTreeSet;

use super::{pass::Pass, place::Place};
use crate::{
    catalog::Catalog,
    diff::{Changes, How},
    kind::TableDdl,
    name::{Kind, ObjectId, Pair},
    step::{Action, Operation, Phase, Step, Verb, With},
};

/// How a draft is undone.
#[derive(Debug, Clone)]
pub(super) enum Undo {
    /// By what leads from what is there after its unit to what was there before: at most one draft of a unit.
    Derived,
    /// There is nothing to undo, or another step's undo does it.
    Nothing,
    /// By this.
    By(Action),
}

impl From<Action> for Undo {
    fn from(action: Action) -> Self {
        if action.is_nothing() { Self::Nothing } else { Self::By(action) }
    }
}

/// What a draft has to wait for, besides what its unit stands in the row for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Needs {
    /// All that its unit waits for.
    Unit,
    /// Nothing but these being as they are: it only prepares for what its unit does.
    Objects(BTreeSet<ObjectId>),
}

impl Needs {
    /// It stands where it stands.
    pub fn nothing() -> Self {
        Self::Objects(BTreeSet::new())
    }

    /// What an index, a key or a materialized view is made of in this catalog, of what changes: columns and their types,
    /// functions; a table only if it comes or goes.
    pub fn of(catalog: &Catalog, id: &ObjectId, changes: &Changes) -> Self {
        let columns = catalog.needs_of(id).map(|need| &need.to).filter(|to| to.kind == Kind::Column);
        let of_columns = columns.flat_map(|column| catalog.needs_of(column));
        let all = catalog.needs_of(id).chain(of_columns).map(|need| &need.to);
        let matters = |to: &&ObjectId| match changes.get(to) {
            Some(change) if to.kind == Kind::Table => !matches!(change.how, How::InPlace(_)),
            Some(change) => !change.keeps_values(),
            None => false,
        };
        Self::Objects(all.filter(matters).cloned().collect())
    }
}

/// What others rely on, and what may be away only within a transaction.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Key {
    /// An object that goes and comes back.
    Object(ObjectId),
    /// A name that something else gets, in its namespace.
    Name(&'static str, String),
    /// That no two rows of a table have the same: by index definition.
    Unique(ObjectId, String),
    /// That values refer to rows: by constraint definition.
    Reference(ObjectId, String),
}

impl Key {
    /// Whether it can be kept up by two objects for a while.
    pub fn may_be_twice(&self) -> bool {
        matches!(self, Self::Unique(..) | Self::Reference(..))
    }
}

/// A step that has no batch yet.
#[derive(Debug, Clone)]
pub(super) struct Draft {
    pub phase: Phase,
    pub verb: Verb,
    pub object: ObjectId,
    pub summary: String,
    pub run: Action,
    pub undo: Undo,
    pub with: Option<With>,
    /// The unit that it is of, by its place in the row.
    pub unit: Option<usize>,
    pub needs: Needs,
    pub place: Place,
    /// What is away from this draft on.
    pub takes: Vec<Key>,
    /// What is there from this draft on.
    pub gives: Vec<Key>,
    /// The one ALTER TABLE that it is, applied and rolled back: others of the table can be part of it.
    pub alters: Option<Pair<TableDdl>>,
    /// The pass over a table that it is, in one direction: others can be part of it.
    pub fills: Option<Pass>,
}

impl Draft {
    /// One that is of no unit, and waits for nothing.
    pub fn new(phase: Phase, verb: Verb, object: ObjectId, summary: String, run: Action, undo: Undo) -> Self {
        let (needs, takes, gives) = (Needs::Unit, Vec::new(), Vec::new());
        let (with, unit, alters, fills, place) = (None, None, None, None, Place::Unit);
        Self {
            phase,
            verb,
            object,
            summary,
            run,
            undo,
            with,
            unit,
            needs,
            place,
            takes,
            gives,
            alters,
            fills,
        }
    }

    /// Whether neither way does anything.
    pub fn is_idle(&self) -> bool {
        self.run.is_nothing() && !matches!(self.undo, Undo::By(_))
    }

    /// Leaves what it did to the one before it.
    pub fn become_part(&mut self, of: &str) {
        self.run = Action::nothing();
        self.undo = Undo::Nothing;
        self.with = Some(With::Previous);
        self.summary += of;
    }

    /// Whether it builds a materialized view, there or on the way back.
    pub fn builds_view(&self) -> bool {
        let bulk = |action: &Action| action.operation == Operation::Bulk;
        self.object.kind == Kind::MaterializedView && (bulk(&self.run) || self.undo().is_some_and(bulk))
    }

    /// Whether both ways run within a transaction.
    pub fn is_transactional(&self) -> bool {
        self.run.is_transactional() && self.undo().is_none_or(Action::is_transactional)
    }

    /// What undoes it, if anything has to.
    pub fn undo(&self) -> Option<&Action> {
        match &self.undo {
            Undo::By(action) => Some(action),
            Undo::Derived | Undo::Nothing => None,
        }
    }

    /// The step, in this batch.
    pub fn into_step(self, batch: u32) -> Step {
        let Self { phase, verb, object, summary, run, undo, with, .. } = self;
        let undo = match undo {
            Undo::By(action) => action,
            Undo::Derived | Undo::Nothing => Action::nothing(),
        };
        Step { phase, verb, object, summary, run, undo, batch, with }
    }
}

impl From<Step> for Draft {
    fn from(step: Step) -> Self {
        let Step { phase, verb, object, summary, run, undo, batch: _, with } = step;
        Self { with, ..Self::new(phase, verb, object, summary, run, undo.into()) }
    }
}
