//! Batches: what runs in one transaction, or alone outside any.

use std::collections::BTreeSet;

use crate::{
    name::ObjectId,
    plan::PlannedStep,
    step::{Action, Phase, Step, With},
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
    /// The steps that only the way back has, and that are done when this is.
    pub also: Vec<u32>,
}

/// A step that can be run and undone: of a draft or of a plan.
pub trait Runnable {
    /// Its phase.
    fn phase(&self) -> Phase;
    /// The number of its batch.
    fn batch(&self) -> u32;
    /// With which other step it is done, if only the way back does it.
    fn with(&self) -> Option<With>;
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

    fn with(&self) -> Option<With> {
        self.with
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

    fn with(&self) -> Option<With> {
        self.with
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

    fn with(&self) -> Option<With> {
        (**self).with()
    }

    fn there(&self, number: u32) -> Item {
        (**self).there(number)
    }

    fn back(&self, number: u32) -> Item {
        (**self).back(number)
    }
}

impl Batch {
    /// The way there, as the steps are batched. What only the way back does has no batch of its own: a run that stops has
    /// either done both it and the step that it is for, or neither.
    pub fn forward<S: Runnable>(steps: &[S]) -> Vec<Batch> {
        let mut batches: Vec<Batch> = Vec::new();
        let mut next: Vec<u32> = Vec::new();
        for (number, step) in (1..).zip(steps) {
            let item = step.there(number);
            match (step.with(), batches.last_mut()) {
                (Some(With::Previous), Some(last)) => last.also.push(item.step),
                (Some(_), _) => next.push(item.step),
                (None, _) => {
                    push(&mut batches, step, item);
                    if let Some(batch) = batches.last_mut() {
                        batch.also.append(&mut next);
                    }
                }
            }
        }
        if let Some(last) = batches.last_mut() {
            last.also.append(&mut next);
        }
        batches
    }

    /// Has nothing run of these steps, which are done when the batch is all the same.
    pub fn leave_out(&mut self, steps: &BTreeSet<u32>) {
        for item in self.items.iter_mut().filter(|item| steps.contains(&item.step)) {
            item.action = Action::nothing();
        }
        self.transactional = self.items.iter().all(|item| item.action.is_transactional());
    }

    /// The steps that are done when it is.
    pub fn steps(&self) -> impl Iterator<Item = u32> {
        self.items.iter().map(|item| item.step).chain(self.also.iter().copied())
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
    let transactional = item.action.is_transactional();
    match batches.last_mut() {
        Some(last) if last.number == step.batch() && last.transactional && transactional => {
            last.items.push(item);
        }
        _ => batches.push(Batch {
            number: step.batch(),
            phase: step.phase(),
            transactional,
            items: vec![item],
            also: Vec::new(),
        }),
    }
}
