//! Indexes that CREATE INDEX CONCURRENTLY left behind.
//!
//! When it fails, or its backend dies, an INVALID index stays and takes the name. Such a left-over is dropped,
//! concurrently, before the statement runs again; unless somebody is still building it.

use super::{Item, RunError};
use crate::{name::ObjectId, postgres::Session, step::Action};

/// What there is under an index's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IndexState {
    /// Nothing.
    Absent,
    /// An index that works.
    Valid,
    /// A left-over.
    Invalid,
    /// An index that this backend is building.
    InProgress(i32),
}

const STATE: &str = "\
SELECT i.indisvalid, p.pid
  FROM pg_catalog.pg_class c
  JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
  JOIN pg_catalog.pg_index i ON i.indexrelid OPERATOR(pg_catalog.=) c.oid
  LEFT JOIN pg_catalog.pg_stat_progress_create_index p ON p.index_relid OPERATOR(pg_catalog.=) c.oid
 WHERE n.nspname OPERATOR(pg_catalog.=) $1::text AND c.relname OPERATOR(pg_catalog.=) $2::text
   AND c.relkind OPERATOR(pg_catalog.=) 'i'";

/// Looks what there is under the index's name.
pub async fn index_state(session: &Session, index: &ObjectId) -> Result<IndexState, tokio_postgres::Error> {
    let row = session.client().query_opt(STATE, &[&index.path.part(0), &index.path.last()]).await?;
    Ok(match row {
        None => IndexState::Absent,
        Some(row) => match (row.try_get::<_, bool>(0)?, row.try_get::<_, Option<i32>>(1)?) {
            (true, _) => IndexState::Valid,
            (false, Some(pid)) => IndexState::InProgress(pid),
            (false, None) => IndexState::Invalid,
        },
    })
}

/// Drops the index, concurrently, if it is a left-over: `item` is the one that creates it.
pub async fn drop_left_over(session: &Session, index: &ObjectId, item: &Item) -> Result<(), RunError> {
    let state = index_state(session, index).await;
    match state.map_err(|source| RunError::control(session, "looking for an invalid index", source))? {
        IndexState::Absent | IndexState::Valid => Ok(()),
        IndexState::InProgress(pid) => {
            Err(RunError::IndexInProgress { step: item.step, object: item.object.to_string(), pid })
        }
        IndexState::Invalid => {
            let Action { sql, .. } = Action::drop_index(index.clone());
            for drop in &sql {
                let dropped = session.client().batch_execute(drop.as_str()).await;
                dropped.map_err(|source| RunError::control(session, drop.as_str(), source))?;
            }
            Ok(())
        }
    }
}
