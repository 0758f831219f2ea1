//! One trueup at a time in each database: a session advisory lock.

use std::time::Duration;

use super::{
    ApplyError,
    error::{Holder, Refusal},
};
use crate::{journal_sql::LOCK_KEY, postgres::Session, run::Stop};

const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Takes the lock, waiting for it at most so long.
///
/// It is asked for again and again, since a statement that waits holds a snapshot, and CREATE INDEX CONCURRENTLY of
/// the one who holds the lock would wait for that snapshot.
pub(super) async fn take(session: &Session, wait: Duration, stop: &Stop) -> Result<(), ApplyError> {
    let query = |source| ApplyError::Query { what: "taking the advisory lock", source };
    let mut waited = Duration::ZERO;
    loop {
        let row =
            session.client().query_one("SELECT pg_catalog.pg_try_advisory_lock($1)", &[&LOCK_KEY]).await;
        if row.and_then(|row| row.try_get(0)).map_err(query)? {
            return Ok(());
        }
        if waited >= wait || stop.requested_within(LOOK_EVERY).await {
            return Err(Refusal::Busy(holder(session).await.map_err(query)?).into());
        }
        waited += LOOK_EVERY;
    }
}

const HOLDER: &str = "\
SELECT a.pid, coalesce(a.usename::text, ''), coalesce(a.application_name, ''), \
       coalesce(pg_catalog.host(a.client_addr), 'this machine'), \
       pg_catalog.to_char(a.backend_start AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') \
  FROM pg_catalog.pg_locks l JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid \
 WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1 \
   AND (l.classid::int8 << 32) | l.objid::int8 = $1 \
   AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())";

async fn holder(session: &Session) -> Result<Option<Holder>, tokio_postgres::Error> {
    let Some(row) = session.client().query_opt(HOLDER, &[&LOCK_KEY]).await? else { return Ok(None) };
    Ok(Some(Holder {
        pid: row.try_get(0)?,
        user: row.try_get(1)?,
        application: row.try_get(2)?,
        client: row.try_get(3)?,
        since: row.try_get::<_, Option<String>>(4)?.unwrap_or_default(),
    }))
}

const HELD: &str = "\
SELECT EXISTS (SELECT FROM pg_catalog.pg_locks \
 WHERE locktype = 'advisory' AND granted AND objsubid = 1 AND pid = pg_catalog.pg_backend_pid() \
   AND (classid::int8 << 32) | objid::int8 = $1)";

/// Whether this very backend holds it: not so after a reconnect, or behind a pooler that changes backends.
pub(super) async fn is_held(session: &Session) -> Result<bool, tokio_postgres::Error> {
    session.client().query_one(HELD, &[&LOCK_KEY]).await?.try_get(0)
}
