//! Batches: what runs in one transaction, or alone outside any.

use crate::{
    name::ObjectId,
    plan::PlannedStep,
    step::{Action, Phase, Step},
};

/// One action and the step that it is of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// The step's number, from 1.
    pub step: u32,
    /// The object that it is about.
    pub object: ObjectId,
    /// One line for the reader.
    pub summary: String,
    /// What to run.
    pub action: Action,
}

/// What runs in one transaction; or one item that runs outside any.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// Its number in the plan. Several batches of a way back may come from one.
    pub number: u32,
    /// The phase that it is of.
    pub phase: Phase,
    /// Whether it is one transaction.
    pub transactional: bool,
    /// In the order they run.
    pub items: Vec<Item>,
}

/// A step that can be run and undone: of a draft or of a plan.
pub trait Runnable {
    /// Its phase.
    fn phase(&self) -> Phase;
    /// The number of its batch.
    fn batch(&self) -> u32;
    /// The way there; `number` is the step's, for those that have none of their own.
    fn there(&self, number: u32) -> Item;
    /// The way back.
    fn back(&self, number: u32) -> Item;
}

impl Runnable for Step {
    fn phase(&self) -> Phase {
        self.phase
    }

    fn batch(&self) -> u32 {
        self.batch
    }

    fn there(&self, number: u32) -> Item {
        let Self { object, summary, run, .. } = self.clone();
        Item { step: number, object, summary, action: run }
    }

    fn back(&self, number: u32) -> Item {
        let Self { object, summary, undo, .. } = self.clone();
        Item { step: number, object, summary: format!("undo: {summary}"), action: undo }
    }
}

impl Runnable for PlannedStep {
    fn phase(&self) -> Phase {
        self.phase
    }

    fn batch(&self) -> u32 {
        self.batch
    }

    fn there(&self, _: u32) -> Item {
        let Step { object, summary, run, .. } = self.to_step();
        Item { step: self.id, object, summary, action: run }
    }

    fn back(&self, _: u32) -> Item {
        let Step { object, summary, undo, .. } = self.to_step();
        Item { step: self.id, object, summary: format!("undo: {summary}"), action: undo }
    }
}

impl<T: Runnable> Runnable for &T {
    fn phase(&self) -> Phase {
        (**self).phase()
    }

    fn batch(&self) -> u32 {
        (**self).batch()
    }

    fn there(&self, number: u32) -> Item {
        (**self).there(number)
    }

    fn back(&self, number: u32) -> Item {
        (**self).back(number)
    }
}

impl Batch {
    /// The way there, as the steps are batched.
    pub fn forward<S: Runnable>(steps: &[S]) -> Vec<Batch> {
        let mut batches = Vec::new();
        for (number, step) in (1..).zip(steps) {
            push(&mut batches, step, step.there(number));
        }
        batches
    }

    /// The way back, last step first: undone together is what was done together, as far as it may.
    pub fn backward<S: Runnable>(steps: &[S]) -> Vec<Batch> {
        let mut batches = Vec::new();
        for (number, step) in (1..).zip(steps).collect::<Vec<_>>().into_iter().rev() {
            push(&mut batches, step, step.back(number));
        }
        batches
    }
}

fn push<S: Runnable>(batches: &mut Vec<Batch>, step: &S, item: Item) {
    let transactional = item.action.transactional;
    match batches.last_mut() {
        Some(last) if last.number == step.batch() && last.transactional && transactional => {
            last.items.push(item);
        }
        _ => batches.push(Batch {
            number: step.batch(),
            phase: step.phase(),
            transactional,
            items: vec![item],
        }),
    }
}
