//! How a run goes on, for whoever wants to know.

use std::time::Duration;

use super::{cost::Cost, gate, preflight};
use crate::{
    approval::Approver,
    journal::Direction,
    run::{Batch, Blocker, Held, Item, Place},
    step::Phase,
};

/// Is told how a run goes on.
pub trait Progress {
    /// Something happened.
    fn event(&mut self, event: Event<'_>);

    /// Asked whether what a rollback loses ([`Event::Costs`]) may go.
    fn accepts(&mut self) -> bool {
        false
    }
}

/// How a run goes on.
#[derive(Debug, Clone, Copy)]
pub enum Event<'a> {
    /// A phase begins.
    Phase {
        /// Which.
        phase: Phase,
        /// Which way.
        direction: Direction,
        /// Steps that remain.
        steps: usize,
        /// Whether an earlier run is gone on with.
        resumed: bool,
    },
    /// Approvals are missing, and somebody broke the glass.
    Glass(&'a Approver),
    /// What a rollback costs.
    Costs(&'a [Cost]),
    /// A batch begins.
    Batch(&'a Batch),
    /// A batch is done.
    Done(&'a Batch),
    /// A try failed for want of a lock.
    Retrying {
        /// What was tried.
        item: &'a Item,
        /// How often by now.
        tries: u32,
        /// When it is tried again.
        pause: Duration,
        /// Who is in the way.
        blockers: &'a [Blocker],
    },
    /// A backfill has filled some more rows.
    Filled {
        /// Which.
        item: &'a Item,
        /// How far it is.
        place: &'a Place,
    },
    /// A backfill makes room for others.
    HeldUp {
        /// Which.
        item: &'a Item,
        /// Who they are.
        why: &'a Held,
    },
    /// What is worth knowing of what is around the plan, before it runs and when a phase is done.
    Warnings(&'a [preflight::Check]),
    /// How the names were used that contract takes away.
    OldNames(&'a [gate::Use]),
    /// A hook failed when nothing depended on it any more: how it ended.
    Hook(&'a str),
    /// The catalog is read, to be compared.
    Comparing,
}

/// Nobody listens.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Progress for Silent {
    fn event(&mut self, _: Event<'_>) {}
}
