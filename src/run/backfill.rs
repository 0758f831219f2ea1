//! Fills rows in batches, each in a transaction of its own: writers wait for a batch's rows at most, and what is done
//! stays done. Where it came to is told to the observer inside each transaction, so that a run that dies goes on from
//! exactly there. The last key is fixed at the start, so it ends.

use std::time::{Duration, Instant};

use tokio_postgres::{
    Statement,
    error::SqlState,
    types::{ToSql, Type},
};

use super::{
    Batch, Item, Observer, Options, RunError,
    as_owner::{Owner, finding},
    is_lost,
    retry::Tries,
};
use crate::{postgres::Session, step::Backfill};

/// How far a backfill is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Place {
    /// The last key that was visited.
    pub cursor: Option<Vec<String>>,
    /// The key to end with.
    pub end: Option<Vec<String>>,
    /// Rows visited, or blocks where there is no key.
    pub visited: i64,
    /// Rows changed.
    pub changed: i64,
    /// How many rows, or blocks, there are, as far as the server knows. Not kept in the journal.
    pub total: Option<i64>,
}

/// Why a backfill waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Held {
    /// A standby is this far behind.
    Behind(Duration),
    /// So many sessions wait for a lock on the table.
    Waiting(i64),
    /// A vacuum works on the table, or an index is built: what the backfill leaves behind would be more than it clears.
    Vacuum,
}

impl std::fmt::Display for Held {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Behind(lag) => write!(f, "a standby is {:.0} s behind", lag.as_secs_f64()),
            Self::Waiting(1) => f.write_str("a session waits for a lock on the table"),
            Self::Waiting(waiting) => write!(f, "{waiting} sessions wait for a lock on the table"),
            Self::Vacuum => f.write_str("a vacuum or an index build works on the table"),
        }
    }
}

/// What a batch may take: shorter ones grow, longer ones shrink.
const SHORT: Duration = Duration::from_millis(100);
const LONG: Duration = Duration::from_millis(500);
const FEWEST: i64 = 10;
const MOST: i64 = 50_000;

/// How often others are looked after, and how far a standby may be behind.
const LOOK_EVERY: Duration = Duration::from_secs(1);
const BEHIND: Duration = Duration::from_secs(10);

/// How long a vacuum is waited for: one of a large table may take hours.
const VACUUM: Duration = Duration::from_secs(5 * 60);

/// Who else is hurt, or at work: VACUUM and builds beside writers hold SHARE UPDATE EXCLUSIVE (manual 13.3.1).
const OTHERS: &str = "\
WITH locks AS (SELECT granted, mode FROM pg_catalog.pg_locks WHERE relation = pg_catalog.to_regclass($1) \
               AND database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())) \
SELECT (SELECT COALESCE(EXTRACT(epoch FROM max(replay_lag)), 0)::pg_catalog.float8 FROM pg_catalog.pg_stat_replication), \
       (SELECT count(*) FROM locks WHERE NOT granted), \
       EXISTS (SELECT FROM locks WHERE granted AND mode = 'ShareUpdateExclusiveLock')";

/// What the statement takes: the last key, the key to end with, how many rows.
const PARAMETERS: [&str; 3] = ["pg_catalog.text[]", "pg_catalog.text[]", "pg_catalog.int8"];
/// What it returns: how many were visited, how many changed, the last key.
const COLUMNS: [&str; 3] = ["pg_catalog.int8", "pg_catalog.int8", "pg_catalog.text[]"];

/// One backfill, on its session.
pub(super) struct Filling<'a> {
    pub session: &'a Session,
    pub batch: &'a Batch,
    pub item: &'a Item,
    pub backfill: &'a Backfill,
    pub options: &'a Options<'a>,
}

/// How the statement is run.
enum How<'a> {
    /// By the session's role.
    Prepared(Statement),
    /// With the rights of the table's owner.
    AsOwner(&'a Owner, &'a str),
}

/// What one batch did.
struct Batched {
    visited: i64,
    changed: i64,
    last: Option<Vec<String>>,
}

impl Filling<'_> {
    pub async fn run<O: Observer>(&self, observer: &mut O) -> Result<(), RunError> {
        let Some(sql) = self.item.action.sql.first() else { return Ok(()) };
        let owner = Owner::of_item(self.session, self.options, self.item).await;
        let owner = owner.map_err(|e| self.failed(e))?;
        let how = if let Some(owner) = &owner {
            // nothing that is prepared outlives the code of somebody else
            How::AsOwner(owner, sql.as_str())
        } else {
            How::Prepared(self.session.client().prepare(sql.as_str()).await.map_err(|e| self.failed(e))?)
        };
        let names = self.options.names(self.session, owner.as_ref()).await.map_err(|e| self.failed(e))?;
        let names = names.as_deref();
        let mut place = observer.place(self.session, self.item).await?.unwrap_or_default();
        self.make_room(observer).await?;
        loop {
            if place.end.is_none() {
                place.end = self.end(owner.as_ref()).await?;
            }
            place.total = self.total(&place).await?;
            let changed = self.pass(&how, names, &mut place, observer).await?;
            // without a key, rows may have moved to where the pass had been
            if !self.backfill.key.is_empty() || changed == 0 {
                break;
            }
            place = Place { cursor: None, end: None, ..place };
        }
        let analyze =
            format!("SET lock_timeout = 2000; ANALYZE {}; SET lock_timeout = 0", self.backfill.table);
        if let Err(error) = self.session.client().batch_execute(&analyze).await {
            if is_lost(self.session, &error) {
                return Err(self.failed(error));
            }
            tracing::debug!("not analysed: {error}");
        }
        Ok(())
    }

    /// Goes through the table once. How many rows were changed.
    async fn pass<O: Observer>(
        &self,
        how: &How<'_>,
        names: Option<&str>,
        place: &mut Place,
        observer: &mut O,
    ) -> Result<i64, RunError> {
        let mut rows = i64::from(self.backfill.rows).clamp(FEWEST, MOST);
        let mut tries = Tries::new(self.options.retry);
        let mut looked = Instant::now();
        let mut changed = 0;
        loop {
            if self.options.stop.requested() {
                return Err(RunError::Stopped);
            }
            if looked.elapsed() >= LOOK_EVERY {
                self.make_room(observer).await?;
                looked = Instant::now();
            }
            let began = Instant::now();
            let done = match self.fill(how, names, place, rows, observer).await {
                Ok(done) => done,
                Err(error) if wants_less(&error) && !self.session.is_closed() => {
                    let _ = self.session.client().batch_execute("ROLLBACK").await;
                    rows = (rows / 2).max(FEWEST);
                    let Some(pause) = tries.pause(self.item.action.timeouts.lock_ms) else {
                        return Err(error);
                    };
                    observer.retrying(self.item, tries.count(), pause, &[]);
                    if self.options.stop.requested_within(pause).await {
                        return Err(RunError::Stopped);
                    }
                    continue;
                }
                Err(error) => return Err(error),
            };
            tries = Tries::new(self.options.retry);
            changed += done.changed;
            let Some(last) = done.last else { return Ok(changed) };
            place.cursor = Some(last);
            let took = began.elapsed();
            if took < SHORT {
                rows = (rows * 2).min(MOST);
            } else if took > LONG {
                rows = (rows / 2).max(FEWEST);
            }
        }
    }

    /// One batch in its transaction.
    async fn fill<O: Observer>(
        &self,
        how: &How<'_>,
        names: Option<&str>,
        place: &mut Place,
        rows: i64,
        observer: &mut O,
    ) -> Result<Batched, RunError> {
        let client = self.session.client();
        let limits = self.item.action.timeouts.set("LOCAL ");
        client.batch_execute("BEGIN").await.map_err(|e| self.failed(e))?;
        observer.begun(self.session, self.batch).await?;
        // by the key's index, whatever the statistics say; and a plan for this batch's bounds
        let settings = "SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off; \
                        SET LOCAL plan_cache_mode = force_custom_plan";
        client.batch_execute(&format!("{limits}; {settings}")).await.map_err(|e| self.failed(e))?;
        if self.backfill.skip_triggers {
            let replica = "SET LOCAL session_replication_role = replica";
            self.session.execute(replica).await.map_err(|e| self.failed(e))?;
        }
        let (cursor, end) = (&place.cursor, &place.end);
        let row = match how {
            How::Prepared(statement) => {
                if let Some(names) = names {
                    let set = format!("SET LOCAL search_path TO {names}");
                    client.batch_execute(&set).await.map_err(|e| self.failed(e))?;
                }
                let row = client.query_one(statement, &[cursor, end, &rows]).await;
                if row.is_ok() && names.is_some() {
                    client.batch_execute("SET LOCAL search_path TO ''").await.map_err(|e| self.failed(e))?;
                }
                row.map(Some)
            }
            How::AsOwner(owner, sql) => {
                let begin = owner.begin(sql, &PARAMETERS, &COLUMNS) + &finding(names);
                client.batch_execute(&begin).await.map_err(|e| self.failed(e))?;
                let given: [(&(dyn ToSql + Sync), Type); 3] =
                    [(cursor, Type::TEXT_ARRAY), (end, Type::TEXT_ARRAY), (&rows, Type::INT8)];
                let found = client.query_typed(&owner.query(sql, PARAMETERS.len()), &given).await;
                found.map(|rows| rows.into_iter().next())
            }
        };
        let Some(row) = row.map_err(|e| self.failed(e))? else {
            return Ok(Batched { visited: 0, changed: 0, last: None });
        };
        let get = |error| self.failed(error);
        let done = Batched {
            visited: row.try_get(0).map_err(get)?,
            changed: row.try_get(1).map_err(get)?,
            last: row.try_get(2).map_err(get)?,
        };
        let now = Place {
            cursor: done.last.clone().or_else(|| place.cursor.clone()),
            end: place.end.clone(),
            visited: place.visited + done.visited,
            changed: place.changed + done.changed,
            total: place.total,
        };
        if self.backfill.skip_triggers {
            // whatever else happens in this transaction happens as always
            let origin = "SET LOCAL session_replication_role = origin";
            self.session.execute(origin).await.map_err(|e| self.failed(e))?;
        }
        if let How::AsOwner(owner, _) = how {
            client.batch_execute(&owner.clean()).await.map_err(|e| self.failed(e))?;
            owner.refuse_deferred(self.session, self.item).await?;
        }
        observer.after_statement(self.session, self.batch, self.item, 0).await?;
        observer.filled(self.session, self.item, &now).await?;
        client.batch_execute("COMMIT").await.map_err(|source| RunError::Commit {
            batch: self.batch.number,
            lost: is_lost(self.session, &source),
            source,
        })?;
        (place.visited, place.changed) = (now.visited, now.changed);
        Ok(done)
    }

    /// The key of the last row that is there now, or how many blocks there are.
    async fn end(&self, owner: Option<&Owner>) -> Result<Option<Vec<String>>, RunError> {
        let query = self.backfill.ending();
        let row = match owner {
            // the key's type may have a cast to text of its own
            Some(owner) => owner.ask(self.session, &query, "pg_catalog.text[]").await,
            None => self.session.client().query_opt(&query, &[]).await,
        };
        row.and_then(|row| row.map(|row| row.try_get(0)).transpose()).map_err(|e| self.failed(e))
    }

    /// How much there is to visit: rows as last counted, or blocks.
    async fn total(&self, place: &Place) -> Result<Option<i64>, RunError> {
        if self.backfill.key.is_empty() {
            let blocks = place.end.as_deref().and_then(|end| end.first()?.parse().ok());
            return Ok(blocks.map(|blocks: i64| place.visited + blocks));
        }
        let rows = "SELECT reltuples::pg_catalog.int8 FROM pg_catalog.pg_class \
                    WHERE oid = pg_catalog.to_regclass($1) AND reltuples > 0";
        let row = self.session.client().query_opt(rows, &[&self.backfill.table]).await;
        let row = row.map_err(|e| self.failed(e))?;
        row.map(|row| row.try_get(0)).transpose().map_err(|e| self.failed(e))
    }

    /// Waits as long as others are hurt.
    async fn make_room<O: Observer>(&self, observer: &mut O) -> Result<(), RunError> {
        let Some(watcher) = self.options.watcher else { return Ok(()) };
        let began = Instant::now();
        loop {
            let Ok(row) = watcher.client().query_one(OTHERS, &[&self.backfill.table]).await else {
                return Ok(());
            };
            let found = (row.try_get::<_, f64>(0), row.try_get::<_, i64>(1), row.try_get::<_, bool>(2));
            let (Ok(lag), Ok(waiting), Ok(vacuum)) = found else { return Ok(()) };
            let lag = Duration::try_from_secs_f64(lag).unwrap_or_default();
            let why = match (lag > BEHIND, waiting) {
                (true, _) => Held::Behind(lag),
                (false, 0) if vacuum && began.elapsed() < VACUUM => Held::Vacuum,
                (false, 0) => return Ok(()),
                (false, waiting) => Held::Waiting(waiting),
            };
            observer.held_up(self.item, &why);
            if self.options.stop.requested_within(LOOK_EVERY).await {
                return Err(RunError::Stopped);
            }
        }
    }

    fn failed(&self, source: tokio_postgres::Error) -> RunError {
        RunError::statement(self.session, self.item, 0, source)
    }
}

/// Whether fewer rows at once may do: others hold them, or there was not the time.
fn wants_less(error: &RunError) -> bool {
    let late = |source: &tokio_postgres::Error| source.code() == Some(&SqlState::QUERY_CANCELED);
    error.wants_retry() || matches!(error, RunError::Statement { source, .. } if late(source))
}
