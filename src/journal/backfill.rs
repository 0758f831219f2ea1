//! How far backfills are: written in the transaction of each batch of rows, so that none is done twice or left out.

use super::JournalError;
use crate::{plan::Digest, postgres::Session, run::Place};

/// How far a step of a plan came, if it began.
pub async fn place(session: &Session, plan: &Digest, step: u32) -> Result<Option<Place>, JournalError> {
    let sql = "SELECT cursor, until, visited, changed FROM trueup.backfill WHERE plan = $1 AND step = $2";
    let row = session.client().query_opt(sql, &[&plan.as_str(), &step.cast_signed()]).await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(Place {
        cursor: row.try_get(0)?,
        end: row.try_get(1)?,
        visited: row.try_get(2)?,
        changed: row.try_get(3)?,
        total: None,
    }))
}

/// Writes how far a step is; to be called in the batch's transaction.
pub async fn reached(session: &Session, plan: &Digest, step: u32, place: &Place) -> Result<(), JournalError> {
    let sql = "INSERT INTO trueup.backfill (plan, step, cursor, until, visited, changed, updated) \
               VALUES ($1, $2, $3, $4, $5, $6, pg_catalog.clock_timestamp()) \
               ON CONFLICT (plan, step) DO UPDATE SET cursor = EXCLUDED.cursor, until = EXCLUDED.until, \
               visited = EXCLUDED.visited, changed = EXCLUDED.changed, updated = EXCLUDED.updated";
    let Place { cursor, end, visited, changed, total: _ } = place;
    let step = step.cast_signed();
    session.client().execute(sql, &[&plan.as_str(), &step, cursor, end, visited, changed]).await?;
    Ok(())
}

/// Forgets how far the plan's steps came, since they are being undone.
pub async fn forget(session: &Session, plan: &Digest) -> Result<(), JournalError> {
    session.client().execute("DELETE FROM trueup.backfill WHERE plan = $1", &[&plan.as_str()]).await?;
    Ok(())
}
