//! Executes batches on a session, the same way in a rehearsal and on a target.
//!
//! A transactional batch is BEGIN, each action's timeouts and statements, COMMIT; anything else is one statement by
//! itself. A lock that does not come within `lock_timeout`, or a deadlock, rolls the batch back and tries again
//! after a growing, jittered pause, naming who is in the way. [`Observer`] sees every statement from inside the
//! transaction: the rehearsal measures there, and `apply` writes its journal there.
//!
//! What runs here never depends on what came before: a [`Batch`] says what, [`settings`] says under which settings.

mod as_owner;
mod backfill;
mod blockers;
mod bounds;
mod data;
mod detach;
mod error;
mod guard;
mod index;
mod owners;
mod retry;
mod secret;
pub mod settings;

use std::{future::Future, pin::pin, time::Duration};

use tokio_postgres::error::SqlState;

use as_owner::Owner;
pub use as_owner::path_of_code;
pub use backfill::{Held, Place};
pub use blockers::Blocker;
use bounds::Bounds;
pub use data::{Counted, InTheWay, count, has_rows, in_the_way};
pub use detach::{DetachState, Detachment};
pub use error::{RunError, is_lost};
pub use guard::{Guard, NewRows};
pub use index::{IndexState, drop_left_over, index_state};
pub use owners::Owners;
pub use retry::{Retry, Stop, StopHandle};

pub use crate::plan::{Batch, Item, Runnable};

use crate::{
    name::{Kind, ObjectId},
    postgres::{Session, names},
    secret::Secrets,
    step::{Operation, Timeouts},
};

/// What may be told, measured or written while a batch runs. Every method has nothing to do by default.
pub trait Observer {
    /// The batch's transaction has begun. Not called outside a transaction.
    fn begun(&mut self, session: &Session, batch: &Batch) -> impl Future<Output = Result<(), RunError>> {
        let _ = (session, batch);
        async { Ok(()) }
    }

    /// What must still not be so once the item's relation is locked, before its first statement: in a transactional batch.
    fn guard(&self, item: &Item) -> Option<&Guard> {
        let _ = item;
        None
    }

    /// A statement, counted from 0 within its item, is done; in a transactional batch its transaction is open.
    fn after_statement(
        &mut self,
        session: &Session,
        batch: &Batch,
        item: &Item,
        statement: usize,
    ) -> impl Future<Output = Result<(), RunError>> {
        let _ = (session, batch, item, statement);
        async { Ok(()) }
    }

    /// All statements are done and COMMIT comes next. Not called outside a transaction.
    fn closing(&mut self, session: &Session, batch: &Batch) -> impl Future<Output = Result<(), RunError>> {
        let _ = (session, batch);
        async { Ok(()) }
    }

    /// Where an earlier run of a backfill came to, if there was one.
    fn place(
        &mut self,
        session: &Session,
        item: &Item,
    ) -> impl Future<Output = Result<Option<Place>, RunError>> {
        let _ = (session, item);
        async { Ok(None) }
    }

    /// A batch of a backfill has changed its rows; its transaction is open.
    fn filled(
        &mut self,
        session: &Session,
        item: &Item,
        place: &Place,
    ) -> impl Future<Output = Result<(), RunError>> {
        let _ = (session, item, place);
        async { Ok(()) }
    }

    /// A backfill makes room for others.
    fn held_up(&mut self, item: &Item, why: &Held) {
        let _ = (item, why);
    }

    /// A try has failed for want of a lock, and the next comes after `pause`.
    fn retrying(&mut self, item: &Item, tries: u32, pause: Duration, blockers: &[Blocker]) {
        let _ = (item, tries, pause, blockers);
    }
}

/// An observer with nothing to do.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unobserved;

impl Observer for Unobserved {}

/// How to run.
#[derive(Debug, Clone)]
pub struct Options<'a> {
    /// What to do about locks that do not come.
    pub retry: Retry,
    /// A second session, which looks who is in the way while the first one waits. It holds no snapshot meanwhile.
    pub watcher: Option<&'a Session>,
    /// Asked between tries.
    pub stop: Stop,
    /// Whether code of the database has no more rights than its table's owner: on targets. A rehearsal's session stays as it
    /// is, with what it has prepared.
    pub guarded: bool,
    /// Whose objects are that may be created anew, where the plan does not say it.
    pub owners: Option<&'a Owners>,
    /// What is put in the place of placeholders: on targets. A rehearsal has none, and runs what stands in the plan.
    pub secrets: Option<&'a Secrets>,
    /// In a rehearsal, the `search_path` of code that the database has. On targets it is that of whose rights it has.
    pub names: Option<&'a str>,
}

impl<'a> Options<'a> {
    /// One try, unwatched: for rehearsals, where nobody else holds locks.
    pub fn single() -> Self {
        Self {
            retry: Retry::NONE,
            watcher: None,
            stop: Stop::never(),
            guarded: false,
            owners: None,
            secrets: None,
            names: None,
        }
    }

    /// The same with a `search_path` for code of the database.
    #[must_use]
    pub fn finding(self, names: &'a str) -> Self {
        Self { names: Some(names), ..self }
    }

    /// What code that runs with the rights of this owner, or of the session, has for its `search_path`, if it has one.
    async fn names(
        &self,
        session: &Session,
        owner: Option<&Owner>,
    ) -> Result<Option<String>, tokio_postgres::Error> {
        if self.guarded {
            names::path(session, owner.map(Owner::name)).await
        } else {
            Ok(self.names.map(str::to_owned))
        }
    }
}

/// Whether a step that failed left something half-done: an index that is not valid, a partition that is marked to go. Where
/// nobody can tell, it may have.
pub async fn leaves_something(session: &Session, item: &Item) -> bool {
    match &item.action.operation {
        Operation::BuildIndex { index, .. } => {
            !matches!(index_state(session, index).await, Ok(IndexState::Absent | IndexState::Valid))
        }
        Operation::Detach { parent, partition } => {
            !matches!(Detachment { parent, partition }.state(session).await, Ok(DetachState::Attached))
        }
        _ => false,
    }
}

/// Runs one batch to its end.
pub async fn run<O: Observer>(
    session: &Session,
    batch: &Batch,
    options: &Options<'_>,
    observer: &mut O,
) -> Result<(), RunError> {
    if let [item] = &batch.items[..]
        && let Some(backfill) = item.action.operation.backfill()
    {
        let filling = backfill::Filling { session, batch, item, backfill, options };
        let result = filling.run(observer).await;
        if !session.is_closed() {
            // a failed batch's transaction; what goes wrong with ending it changes nothing
            let _ = session.client().batch_execute("ROLLBACK").await;
        }
        return result;
    }
    let mut tries = retry::Tries::new(options.retry);
    loop {
        let attempt = Attempt { session, batch, options };
        let failed = match attempt.run(observer).await {
            Ok(()) => return Ok(()),
            Err(failed) => failed,
        };
        let Failed { error, item, blockers } = failed;
        let Some(item) = item.filter(|_| error.wants_retry()) else { return Err(error) };
        let Some(pause) = tries.pause(item.action.timeouts.lock_ms) else {
            return Err(error.given_up(tries.count(), blockers));
        };
        observer.retrying(item, tries.count(), pause, &blockers);
        if options.stop.requested_within(pause).await {
            return Err(RunError::Stopped);
        }
    }
}

/// Why one try did not succeed.
struct Failed<'a> {
    error: RunError,
    item: Option<&'a Item>,
    blockers: Vec<Blocker>,
}

impl From<RunError> for Failed<'_> {
    fn from(error: RunError) -> Self {
        Self { error, item: None, blockers: Vec::new() }
    }
}

/// One try at one batch.
struct Attempt<'a> {
    session: &'a Session,
    batch: &'a Batch,
    options: &'a Options<'a>,
}

impl<'a> Attempt<'a> {
    async fn run<O: Observer>(&self, observer: &mut O) -> Result<(), Failed<'a>> {
        if self.batch.transactional {
            let result = self.in_transaction(observer).await;
            if result.is_err() && !self.session.is_closed() {
                // the transaction has failed already: what goes wrong with ending it changes nothing
                let _ = self.session.client().batch_execute("ROLLBACK").await;
            }
            result
        } else {
            let result = self.alone(observer).await;
            if !self.session.is_closed() {
                let _ = self.session.client().batch_execute(NO_LIMITS).await;
            }
            result
        }
    }

    async fn in_transaction<O: Observer>(&self, observer: &mut O) -> Result<(), Failed<'a>> {
        let events = self.events().await?;
        self.control("BEGIN").await?;
        observer.begun(self.session, self.batch).await?;
        let mut set = None;
        for item in &self.batch.items {
            if set != Some(item.action.timeouts) && !item.action.sql.is_empty() {
                self.control(&item.action.timeouts.set("LOCAL ")).await?;
                set = Some(item.action.timeouts);
            }
            if let Some(guard) = observer.guard(item) {
                let cleaned = guard::pass(self, item, guard).await?;
                set = set.filter(|_| !cleaned);
            }
            if self.statements(item, events.as_deref(), observer).await? {
                // and the limits with the other settings
                set = None;
            }
        }
        observer.closing(self.session, self.batch).await?;
        // deferred constraints are checked by COMMIT: the last limits still hold for them
        self.session.client().batch_execute("COMMIT").await.map_err(|source| {
            RunError::Commit { batch: self.batch.number, lost: is_lost(self.session, &source), source }.into()
        })
    }

    async fn alone<O: Observer>(&self, observer: &mut O) -> Result<(), Failed<'a>> {
        let mut statements = self.batch.items.iter().flat_map(|item| &item.action.sql);
        if statements.all(|sql| self.session.goes_with_others(sql.as_str()))
            && let Some(events) = self.events().await?
        {
            // reset with the limits
            self.control(&format!("SET search_path TO {events}")).await?;
        }
        for item in &self.batch.items {
            let built = match &item.action.operation {
                Operation::BuildIndex { index, .. } => Some(index),
                _ => None,
            };
            if let Some(index) = built {
                index::drop_left_over(self.session, index, item).await?;
            }
            self.control(&item.action.timeouts.set("")).await?;
            if let Some(detachment) = self.begun(item).await? {
                self.control(&detachment.finalize()).await?;
                observer.after_statement(self.session, self.batch, item, 0).await?;
                continue;
            }
            let result = self.statements(item, None, observer).await;
            if let (Err(_), Some(index)) = (&result, built)
                && !self.session.is_closed()
                && self.control(CLEAN_UP).await.is_ok()
                && let Err(kept) = index::drop_left_over(self.session, index, item).await
            {
                // the statement's own error is what counts; the next run drops it
                tracing::debug!("the invalid index stays for now: {kept}");
            }
            result?;
        }
        Ok(())
    }

    /// Where event triggers find what they name, if there are any.
    async fn events(&self) -> Result<Option<String>, Failed<'a>> {
        let asked = async {
            if names::fires(self.session).await? {
                self.options.names(self.session, None).await
            } else {
                Ok(None)
            }
        };
        let failed = |source| RunError::control(self.session, "asking for event triggers", source);
        asked.await.map_err(|source| failed(source).into())
    }

    /// Runs an item's statements; `events`: where event triggers find names meanwhile. Whether that has cleaned the session.
    async fn statements<O: Observer>(
        &self,
        item: &'a Item,
        events: Option<&str>,
        observer: &mut O,
    ) -> Result<bool, Failed<'a>> {
        let owner = self.owner(item).await?;
        let code = item.action.operation.runs_code() && self.batch.transactional;
        let of_item = if code || owner.is_some() { self.path_of_code(owner.as_ref()).await? } else { None };
        let mut cleaned = owner.is_some();
        for (number, sql) in item.action.sql.iter().enumerate() {
            let by_itself = match &owner {
                None => self.owner_of_statement(item, number).await?,
                Some(_) => None,
            };
            let of_statement = match &by_itself {
                Some(owner) => self.path_of_code(Some(owner)).await?,
                None => None,
            };
            let owner = owner.as_ref().or(by_itself.as_ref());
            let names = of_statement.as_deref().or(of_item.as_deref()).or(events);
            let filled = secret::fill(self.options, item, sql.as_str())?;
            let sql = filled.as_deref().unwrap_or(sql.as_str());
            let around = match (owner, names) {
                // as owner.run() resets them with the other settings
                (Some(owner), _) => Some(owner.run(sql, &item.action.timeouts.set("LOCAL "), names)),
                // a throwaway server sees by the statement alone that it needs a superuser, who has no path of others
                (None, Some(names)) if self.session.goes_with_others(sql) => {
                    Some(format!("SET LOCAL search_path TO {names};\n{sql};\nSET LOCAL search_path TO ''"))
                }
                (None, _) => None,
            };
            let sql = around.as_deref().unwrap_or(sql);
            self.statement(item, number, sql).await?;
            observer.after_statement(self.session, self.batch, item, number).await?;
            if let Some(owner) = &by_itself {
                owner.refuse_deferred(self.session, item).await?;
                cleaned = true;
            }
        }
        if let Some(owner) = &owner {
            owner.refuse_deferred(self.session, item).await?;
        }
        if self.batch.transactional {
            let kept = owners::keep(self.session, self.options, item).await;
            kept.map_err(|source| {
                RunError::control(self.session, format!("giving {} to its owner", item.object), source)
            })?;
        }
        Ok(cleaned)
    }

    /// Where code of this owner, or of the session's role, finds names.
    async fn path_of_code(&self, owner: Option<&Owner>) -> Result<Option<String>, Failed<'a>> {
        let asked = self.options.names(self.session, owner).await;
        asked.map_err(|source| RunError::control(self.session, "asking for a search_path", source).into())
    }

    /// Whose rights the code has that one statement runs, where the whole item has none of others.
    async fn owner_of_statement(&self, item: &'a Item, number: usize) -> Result<Option<Owner>, Failed<'a>> {
        let of = item.action.code.get(&number).filter(|_| self.options.guarded && self.batch.transactional);
        let Some(of) = of else { return Ok(None) };
        let found = Owner::of_statement(self.session, of).await;
        found.map_err(|source| RunError::control(self.session, "asking whose the table is", source).into())
    }

    /// Runs one statement of an item, or for it, which may have to wait for its lock.
    async fn statement(&self, item: &'a Item, number: usize, sql: &str) -> Result<(), Failed<'a>> {
        let Watched { result, blockers, cancelled } = self.watched(sql, item.action.timeouts).await;
        result.map_err(|source| {
            if cancelled && source.code() == Some(&SqlState::QUERY_CANCELED) {
                return RunError::Cancelled.into();
            }
            if let Some(hidden) = secret::hide(self.options, item, &source) {
                return hidden.into();
            }
            Failed {
                error: RunError::statement(self.session, item, number, source),
                item: Some(item),
                blockers,
            }
        })
    }

    /// Whose rights the code has that the item runs, if not the session's.
    async fn owner(&self, item: &'a Item) -> Result<Option<Owner>, Failed<'a>> {
        let failed = |source| RunError::control(self.session, "asking whose the table is", source);
        let parents = match &item.action.operation {
            Operation::Attach { parents } if self.options.guarded => parents,
            _ => return Ok(Owner::of_item(self.session, self.options, item).await.map_err(failed)?),
        };
        for table in parents.iter().map(ObjectId::sql) {
            // the item's own statements may create it
            if bounds::is_own(self.session, &table).await.map_err(failed)?.is_none() {
                continue;
            }
            // nobody swaps the table until the end of the transaction: ATTACH PARTITION takes the same lock
            self.statement(item, 0, &format!("LOCK TABLE ONLY {table} IN SHARE UPDATE EXCLUSIVE MODE"))
                .await?;
            match bounds::of(self.session, &table).await.map_err(failed)? {
                Bounds::Own => {}
                Bounds::Of(owner) => {
                    // the owner could not attach a table of the session's role
                    let partition = item.object.sql();
                    if item.object.kind == Kind::Attachment
                        && bounds::is_own(self.session, &partition).await.map_err(failed)? == Some(true)
                    {
                        self.statement(item, 0, &owner.gets(&partition)).await?;
                    }
                    return Ok(Some(owner));
                }
                Bounds::Gains(code_of) => {
                    return Err(RunError::Bounds { step: item.step, table, code_of }.into());
                }
            }
        }
        Ok(None)
    }

    async fn control(&self, sql: &str) -> Result<(), Failed<'a>> {
        self.session
            .client()
            .batch_execute(sql)
            .await
            .map_err(|source| RunError::control(self.session, sql, source).into())
    }

    /// What the item is to detach, if an earlier run has begun with it: it can only be finished.
    async fn begun(&self, item: &'a Item) -> Result<Option<Detachment<'a>>, Failed<'a>> {
        let Operation::Detach { parent, partition } = &item.action.operation else { return Ok(None) };
        let detachment = Detachment { parent, partition };
        let state = detachment.state(self.session).await.map_err(|source| {
            RunError::control(self.session, "looking for a partition that is being detached", source)
        })?;
        Ok((state == DetachState::Pending).then_some(detachment))
    }

    /// Runs a statement, and sees meanwhile who is in its way, and whether it is to be cancelled.
    async fn watched(&self, sql: &str, timeouts: Timeouts) -> Watched {
        let every = match timeouts.lock_ms {
            0 => Duration::from_secs(5),
            lock_ms => Duration::from_millis(u64::from(lock_ms / 4)).clamp(MIN_LOOK, MAX_LOOK),
        };
        let (mut blockers, mut cancelled) = (Vec::new(), false);
        let mut statement = pin!(self.session.execute(sql));
        loop {
            tokio::select! {
                biased;
                result = &mut statement => return Watched { result, blockers, cancelled },
                () = self.options.stop.cancelled(), if !cancelled => {
                    cancelled = true;
                    if let Err(error) = self.session.canceller().cancel().await {
                        tracing::debug!("the statement goes on: {error}");
                    }
                }
                () = tokio::time::sleep(every), if self.options.watcher.is_some() => {
                    if let Some(watcher) = self.options.watcher {
                        let found = blockers::of(watcher, self.session.backend_pid()).await;
                        if !found.is_empty() {
                            blockers = found;
                        }
                    }
                }
            }
        }
    }
}

/// A statement that came to its end.
struct Watched {
    result: Result<(), tokio_postgres::Error>,
    /// Who was in its way last.
    blockers: Vec<Blocker>,
    /// Whether the server was asked to cancel it.
    cancelled: bool,
}

const MIN_LOOK: Duration = Duration::from_millis(20);
const MAX_LOOK: Duration = Duration::from_millis(500);
/// Dropping what a build left waits for the same transactions as the build, which may go on for hours: the next run drops it
/// as well.
const CLEAN_UP: &str = "SET lock_timeout = 2000; SET statement_timeout = 0";
const NO_LIMITS: &str = "SET lock_timeout = 0; SET statement_timeout = 0; SET search_path = ''";

/// The SQLSTATEs after which the same batch may well succeed later.
fn is_about_locks(code: &SqlState) -> bool {
    *code == SqlState::LOCK_NOT_AVAILABLE || *code == SqlState::T_R_DEADLOCK_DETECTED
}
