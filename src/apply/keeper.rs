//! What happens inside each batch's transaction beside its statements: the journal, and a look whether the session is still
//! the one that took the advisory lock.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use super::{
    lock,
    progress::{Event, Progress},
};
use crate::{
    journal::{self, RunId},
    plan::Digest,
    postgres::Session,
    run::{Batch, Blocker, Guard, Held, Item, Observer, Place, RunError},
};

/// The session is not the one that took the lock.
#[derive(Debug, thiserror::Error)]
#[error(
    "this session does not hold trueup's advisory lock any more: a connection pooler changed the backend; connect directly"
)]
pub(super) struct LockLost;

/// Keeps the journal from inside each batch's transaction.
pub(super) struct Keeper<'p, P> {
    pub run: RunId,
    pub plan: &'p Digest,
    guards: &'p BTreeMap<u32, Guard>,
    pub progress: &'p mut P,
    clock: Option<Instant>,
    ends: BTreeMap<u32, Duration>,
}

impl<'p, P> Keeper<'p, P> {
    pub fn new(run: RunId, plan: &'p Digest, guards: &'p BTreeMap<u32, Guard>, progress: &'p mut P) -> Self {
        Self { run, plan, guards, progress, clock: None, ends: BTreeMap::new() }
    }
}

impl<P: Progress> Observer for Keeper<'_, P> {
    async fn begun(&mut self, session: &Session, _: &Batch) -> Result<(), RunError> {
        self.clock = Some(Instant::now());
        self.ends.clear();
        match lock::is_held(session).await {
            Ok(true) => Ok(()),
            Ok(false) => Err(RunError::observer(LockLost)),
            Err(error) => Err(RunError::observer(error)),
        }
    }

    fn guard(&self, item: &Item) -> Option<&Guard> {
        self.guards.get(&item.step)
    }

    async fn after_statement(
        &mut self,
        _: &Session,
        _: &Batch,
        item: &Item,
        _: usize,
    ) -> Result<(), RunError> {
        if let Some(clock) = self.clock {
            self.ends.insert(item.step, clock.elapsed());
        }
        Ok(())
    }

    async fn closing(&mut self, session: &Session, batch: &Batch) -> Result<(), RunError> {
        journal::batch_done(session, self.run, batch, &self.ends).await.map_err(RunError::observer)
    }

    async fn place(&mut self, session: &Session, item: &Item) -> Result<Option<Place>, RunError> {
        journal::backfill::place(session, self.plan, item.step).await.map_err(RunError::observer)
    }

    async fn filled(&mut self, session: &Session, item: &Item, place: &Place) -> Result<(), RunError> {
        journal::backfill::reached(session, self.plan, item.step, place).await.map_err(RunError::observer)?;
        self.progress.event(Event::Filled { item, place });
        Ok(())
    }

    fn held_up(&mut self, item: &Item, why: &Held) {
        self.progress.event(Event::HeldUp { item, why });
    }

    fn retrying(&mut self, item: &Item, tries: u32, pause: Duration, blockers: &[Blocker]) {
        self.progress.event(Event::Retrying { item, tries, pause, blockers });
    }
}
