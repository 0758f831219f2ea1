//! A step outside a transaction that was started, and of which nobody wrote the end.
//!
//! Its client died, so what it did is read from the catalog, once its backend is gone: never assumed.

use std::time::Duration;

use super::{ApplyError, error::Refusal};
use crate::{
    catalog::Fingerprint,
    journal::{Direction, InDoubt},
    plan::{Plan, PlannedStep},
    postgres::Session,
    run::{
        DetachState, IndexState, Runnable, Stop, concurrent_index, concurrently_detached,
        concurrently_dropped, drop_left_over, index_state,
    },
    source::live,
};

const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Whether the step's effect, in the direction it was going, is there.
pub(super) async fn settle(
    session: &Session,
    plan: &Plan,
    doubt: &InDoubt,
    wait: Duration,
    stopping: &Stop,
    dry_run: bool,
) -> Result<bool, ApplyError> {
    wait_for_backend(session, doubt, wait, stopping).await?;
    let Some(step) = plan.steps.iter().find(|step| step.id == doubt.step) else {
        // the digest is the same, so the plan is: this journal was edited
        return Err(Refusal::Doubt { step: doubt.step, object: "unknown".to_owned(), actual: None }.into());
    };
    // its batches are each a transaction, and how far they came is in the journal
    let backfill = match doubt.direction {
        Direction::Apply => &step.backfill,
        Direction::Rollback => &step.undo.backfill,
    };
    if backfill.is_some() {
        return Ok(false);
    }
    let sql = match doubt.direction {
        Direction::Apply => &step.sql,
        Direction::Rollback => &step.undo.sql,
    };
    if let Some(index) = sql.first().and_then(concurrent_index) {
        let query = |source| ApplyError::Query { what: "looking for an interrupted index", source };
        return match index_state(session, &index).await.map_err(query)? {
            IndexState::Valid => Ok(true),
            IndexState::Absent => Ok(false),
            IndexState::Invalid if dry_run => Ok(false),
            IndexState::Invalid => {
                // neither going on nor going back has a use for it
                let item = step.there(step.id);
                drop_left_over(session, &index, &item).await.map_err(|error| ApplyError::Failed { error })?;
                Ok(false)
            }
            IndexState::InProgress(pid) => Err(Refusal::StillRunning { step: step.id, pid }.into()),
        };
    }
    // one that is half dropped is still to be dropped
    if let Some(index) = sql.first().and_then(concurrently_dropped) {
        let query =
            |source| ApplyError::Query { what: "looking for an index that was being dropped", source };
        return Ok(index_state(session, &index).await.map_err(query)? == IndexState::Absent);
    }
    // one that is marked to go stays so: nobody has a use for it, in either direction
    if let Some(detachment) = sql.first().and_then(concurrently_detached) {
        let query =
            |source| ApplyError::Query { what: "looking for a partition that was being detached", source };
        return match detachment.state(session).await.map_err(query)? {
            DetachState::Detached => Ok(true),
            DetachState::Attached => Ok(false),
            DetachState::Pending if dry_run => Ok(false),
            DetachState::Pending => {
                session.client().batch_execute(&detachment.finalize()).await.map_err(|source| {
                    ApplyError::Query { what: "finishing a partition that was being detached", source }
                })?;
                Ok(true)
            }
        };
    }
    // what is dropped to be built anew in a later step is at its end when it is gone, whatever the phase ends with
    let drops = sql.first().is_some_and(|sql| sql.as_str().starts_with("DROP "));
    by_fingerprint(session, plan, step, doubt.direction, drops).await
}

/// For anything else: what the object is must be what it was before, or what it is to be after.
async fn by_fingerprint(
    session: &Session,
    plan: &Plan,
    step: &PlannedStep,
    direction: Direction,
    drops: bool,
) -> Result<bool, ApplyError> {
    let live = live::read_managed(session).await?;
    let refused = |actual: Option<Fingerprint>| {
        let (step, object) = (step.id, step.object.to_string());
        Refusal::Doubt { step, object, actual }
    };
    let entry = plan.footprint.iter().find(|entry| entry.object == step.object);
    let entry = entry.ok_or_else(|| refused(live.fingerprint(&step.object)))?;
    let actual = entry.actual(&live);
    let earlier = plan.phases().into_iter().rev().find(|phase| *phase < step.phase);
    let (before, after) = (entry.expected(earlier), entry.expected(Some(step.phase)));
    let (start, end) = match direction {
        Direction::Apply => (before, after),
        Direction::Rollback => (after, before),
    };
    let end = end.filter(|_| !drops);
    if actual.as_ref() == end {
        Ok(true)
    } else if actual.as_ref() == start || (actual.is_some() && end.is_none()) {
        Ok(false)
    } else {
        Err(refused(actual).into())
    }
}

const RUNNING: &str = "\
SELECT EXISTS (SELECT FROM pg_catalog.pg_stat_activity \
 WHERE pid = $1 AND backend_start = $2::text::timestamptz AND pid <> pg_catalog.pg_backend_pid())";

/// Waits until the backend that ran the step is gone: it may go on after its client died.
async fn wait_for_backend(
    session: &Session,
    doubt: &InDoubt,
    wait: Duration,
    stop: &Stop,
) -> Result<(), ApplyError> {
    let query = |source| ApplyError::Query { what: "looking for the backend of an interrupted step", source };
    if doubt.backend_start.is_empty() {
        return Ok(());
    }
    let mut waited = Duration::ZERO;
    loop {
        let row = session.client().query_one(RUNNING, &[&doubt.pid, &doubt.backend_start]).await;
        if !row.and_then(|row| row.try_get::<_, bool>(0)).map_err(query)? {
            return Ok(());
        }
        if waited >= wait || stop.requested_within(LOOK_EVERY).await {
            return Err(Refusal::StillRunning { step: doubt.step, pid: doubt.pid }.into());
        }
        waited += LOOK_EVERY;
    }
}
