//! Drafts: what recipes make, before it is known which of them share a transaction.

use crate::{
    name::ObjectId,
    step::{Action, Phase, Step, Verb, With},
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
}

impl Draft {
    /// Whether neither way does anything.
    pub fn is_idle(&self) -> bool {
        self.run.is_nothing() && !matches!(self.undo, Undo::By(_))
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
        let Self { phase, verb, object, summary, run, undo, with } = self;
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
        Self { phase, verb, object, summary, run, undo: undo.into(), with }
    }
}
