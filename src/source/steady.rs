//! Whether what was read is of one state of the schema: PostgreSQL's deparsers look at the latest catalog even within a
//! snapshot.

use tokio_postgres::SimpleQueryMessage;

use super::{
    live::ReadError,
    rows::{get, query},
};
use crate::postgres::Session;

/// Changes when any row of a catalog that we read changes.
const STATE: &str = include_str!("state.sql");

/// Changes when a transaction that wrote anything is committed, but not on a standby.
pub(super) const SNAPSHOT: &str = "pg_catalog.pg_current_snapshot()::pg_catalog.text";

/// What is known of the time before everything was read.
pub(super) struct Watch {
    /// The state of the catalogs then. Where there is much to read it is expensive, and only taken when it is needed:
    /// the snapshot still has it.
    pub state: Option<String>,
    /// A session that is done with its part.
    pub sibling: Option<Session>,
    /// The snapshot in which all was read.
    pub snapshot: Option<String>,
    /// Nobody else can change this database.
    pub alone: bool,
}

impl Watch {
    /// Ends the transaction, and says whether the schema is still the one that was there when it began.
    pub async fn end(self, session: &Session) -> Result<bool, ReadError> {
        let commit = async {
            let ended = session.client().batch_execute("COMMIT").await;
            ended.map_err(|source| ReadError::Query { what: "end".to_owned(), source })
        };
        if self.alone || self.nothing_was_committed().await {
            commit.await?;
            return Ok(true);
        }
        let before = match self.state {
            Some(state) => state,
            None => state(session).await?,
        };
        commit.await?;
        Ok(state(session).await? == before)
    }

    async fn nothing_was_committed(&self) -> bool {
        let (Some(sibling), Some(snapshot)) = (&self.sibling, &self.snapshot) else { return false };
        let messages = sibling.client().simple_query(&format!("COMMIT; SELECT {SNAPSHOT}")).await;
        messages.is_ok_and(|messages| {
            messages.iter().any(
                |message| matches!(message, SimpleQueryMessage::Row(row) if row.get(0) == Some(snapshot.as_str())),
            )
        })
    }
}

/// The state of the catalogs.
pub(super) async fn state(session: &Session) -> Result<String, ReadError> {
    let rows = query(session, "state", STATE).await?;
    rows.first().map_or_else(|| Ok(String::new()), |row| get(row, 0))
}
