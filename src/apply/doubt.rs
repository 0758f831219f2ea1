//! A step outside a transaction that was started, and of which nobody wrote the end.
//!
//! Its client died, so what it did is read from the catalog, once its backend is gone: never assumed.

use std::time::Duration;

use super::{ApplyError, error::Refusal};
use crate::{
    journal::{Direction, InDoubt},
    plan::Plan,
    postgres::Session,
    run::{DetachState, Detachment, IndexState, Runnable, Stop, drop_left_over, index_state},
    step::Operation,
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
        return Err(Refusal::Doubt { step: doubt.step, object: "unknown".to_owned() }.into());
    };
    let operation = match doubt.direction {
        Direction::Apply => &step.operation,
        Direction::Rollback => &step.undo.operation,
    };
    match operation {
        // its batches are each a transaction, and how far they came is in the journal
        Operation::Backfill(_) => Ok(false),
        Operation::BuildIndex { index, .. } => match index_state(session, index).await.map_err(query)? {
            IndexState::Valid => Ok(true),
            IndexState::Absent => Ok(false),
            IndexState::Invalid if dry_run => Ok(false),
            IndexState::Invalid => {
                // neither going on nor going back has a use for it
                let item = step.there(step.id);
                drop_left_over(session, index, &item).await.map_err(|error| ApplyError::Failed { error })?;
                Ok(false)
            }
            IndexState::InProgress(pid) => Err(Refusal::StillRunning { step: step.id, pid }.into()),
        },
        // one that is half dropped is still to be dropped
        Operation::DropIndex { index, .. } => {
            Ok(index_state(session, index).await.map_err(query)? == IndexState::Absent)
        }
        // one that is marked to go stays so: nobody has a use for it, in either direction
        Operation::Detach { parent, partition } => {
            let detachment = Detachment { parent, partition };
            match detachment.state(session).await.map_err(query)? {
                DetachState::Detached => Ok(true),
                DetachState::Attached => Ok(false),
                DetachState::Pending if dry_run => Ok(false),
                DetachState::Pending => {
                    session.client().batch_execute(&detachment.finalize()).await.map_err(|source| {
                        ApplyError::Query { what: "finishing a partition that was being detached", source }
                    })?;
                    Ok(true)
                }
            }
        }
        // what runs in a transaction has its end in the journal if it has one: this journal was edited
        Operation::Nothing
        | Operation::Catalog
        | Operation::Bulk
        | Operation::Attach { .. }
        | Operation::AddColumn
        | Operation::Rewrite
        | Operation::Swap
        | Operation::Validate
        | Operation::Refresh { .. } => {
            Err(Refusal::Doubt { step: doubt.step, object: step.object.to_string() }.into())
        }
    }
}

fn query(source: tokio_postgres::Error) -> ApplyError {
    ApplyError::Query { what: "looking what an interrupted step has done", source }
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
