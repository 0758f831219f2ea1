//! A plan on scratch, before anyone needs it: up, compare, down, compare, up again.
//!
//! The database it runs on is a clone of live. What every statement locks, rewrites, scans and builds there is
//! recorded as facts. What the comparison finds is an error to report: nothing is planned again because of it.

mod bodies;
mod identity;
mod moments;
mod transient;

use std::collections::{BTreeMap, BTreeSet};

pub use bodies::{Language, broken as broken_bodies};
use identity::Identities;
use moments::Moments;
use tokio_postgres::types::{ToSql, Type};

use crate::{
    catalog::Catalog,
    name::{Kind, ObjectId, Pair},
    postgres::Session,
    run::{self, Batch, Item, Observer, Options, RunError},
    source::live::{self, ReadError},
    sql::{self, Sql},
    step::{LockMode, LockSeen, Observed, Operation, Phase, Step, Verb},
};

/// What the rehearsal saw and proved.
#[derive(Debug, Clone, Default)]
pub struct Rehearsed {
    /// What each step did, on the way there.
    pub there: Vec<Observed>,
    /// What each step's undo did.
    pub back: Vec<Observed>,
    /// The catalog at the end of each phase.
    pub after: BTreeMap<Phase, Catalog>,
    /// Objects whose texts PostgreSQL prints in another way when a phase was undone than before it ran.
    pub reprinted: BTreeSet<ObjectId>,
    /// What relations have only between two batches of a phase, there or back.
    pub transient: BTreeSet<ObjectId>,
}

/// Why a plan is not worth reviewing.
#[derive(Debug, thiserror::Error)]
pub enum RehearsalError {
    /// A statement failed.
    #[error("the rehearsal failed {direction}: {source}")]
    Run {
        /// `on the way there` or `on the way back`.
        direction: &'static str,
        /// Which statement, and what PostgreSQL said.
        source: RunError,
    },
    /// The catalog could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The statements ran, and their result is another one.
    #[error("the rehearsal {direction} does not end where it should: {}", .differences.join("; "))]
    Differs {
        /// `on the way there` or `on the way back`.
        direction: &'static str,
        /// Objects and how they differ.
        differences: Vec<String>,
    },
}

/// Settings that live's sessions have and that statements mean something else without.
#[derive(Debug, Clone, Copy)]
pub struct AsLive<'a> {
    /// The time zone.
    pub time_zone: &'a str,
    /// The `search_path` of code that the database has.
    pub names: &'a str,
}

/// Runs the draft on a clone of live that equals the first catalog, and expects the second one. Times that name no
/// zone are read in live's, and what code names without a schema is found as there.
pub async fn rehearse(
    clone: &Session,
    draft: &[Step],
    catalogs: Pair<&Catalog>,
    like: AsLive<'_>,
) -> Result<Rehearsed, RehearsalError> {
    const THERE: &str = "on the way there";
    const BACK: &str = "on the way back";
    let AsLive { time_zone, names } = like;
    let options = Options::single().finding(names);
    let Pair { before: base, after: desired } = catalogs;
    pin(clone, time_zone).await?;
    // where the journal is, and what recipes need for a while
    let create =
        format!("SET search_path TO {names}; CREATE SCHEMA IF NOT EXISTS trueup; SET search_path TO ''");
    let home = clone.client().batch_execute(&create).await;
    home.map_err(|source| ReadError::Query { what: "trueup's schema".to_owned(), source })?;
    let mut rehearsed = Rehearsed::default();
    let failed = |direction| move |source| RehearsalError::Run { direction, source };
    let look = bodies::are_in(base) || bodies::are_in(desired);
    let broken = async || if look { bodies::broken(clone, Language::Sql).await } else { Ok(BTreeMap::new()) };
    let mut known = broken().await?;
    let mut breaks = BTreeMap::new();
    let mut watch = Watch::new(clone, draft).await?;
    let batches = Batch::forward(draft);
    for phase in Phase::ALL {
        let here: Vec<&Batch> = batches.iter().filter(|batch| batch.phase == phase).collect();
        if here.is_empty() {
            continue;
        }
        for batch in here {
            run::run(clone, batch, &options, &mut watch).await.map_err(failed(THERE))?;
        }
        rehearsed.after.insert(phase, read(clone, time_zone).await?);
        let mut new = broken().await?;
        new.retain(|name, _| known.insert(name.clone(), String::new()).is_none());
        breaks.insert(phase, new);
        listen(clone).await?;
    }
    rehearsed.there = watch.finish();
    for (phase, broken) in breaks {
        let last = draft.iter().rposition(|step| step.phase == phase && !step.run.is_nothing());
        if let Some(seen) = last.and_then(|last| rehearsed.there.get_mut(last)) {
            seen.breaks = broken.into_iter().map(|(name, why)| format!("{name}: {why}")).collect();
        }
    }
    if let Some(end) = rehearsed.after.values().next_back() {
        compare(end, desired, THERE)?;
    }
    let scope = moments::names(draft.iter().map(|step| &step.object).zip(rehearsed.there.iter().map(Some)));
    let at_end = moments::look(clone, &scope).await?;
    let mut identities = Identities::begin(clone, catalogs.inverse()).await?;
    let mut watch = Watch::new(clone, draft).await?;
    let mut moments = Moments::new(&at_end);
    let back = Batch::backward(draft);
    for (position, batch) in back.iter().enumerate() {
        run::run(clone, batch, &options, &mut watch).await.map_err(failed(BACK))?;
        moments.after(clone, batch, &watch.seen).await?;
        identities.after(clone, batch, &watch.seen).await?;
        let next = back.get(position + 1).map(|next| next.phase);
        // a rollback may end between the phases
        if let Some(before) =
            next.filter(|next| *next != batch.phase).and_then(|next| rehearsed.after.get(&next))
        {
            let again = read(clone, time_zone).await?;
            listen(clone).await?;
            compare(&again.without_texts(), &before.without_texts(), BACK)?;
            let reprinted =
                again.objects.iter().filter(|(id, object)| before.objects.get(*id) != Some(*object));
            rehearsed.reprinted.extend(reprinted.map(|(id, _)| id.clone()));
        }
    }
    rehearsed.back = watch.finish();
    let at_base = moments::look(clone, &scope).await?;
    let mut parts = moments.finish(&at_base, &mut rehearsed.back);
    identities.finish(&mut rehearsed.back);
    compare(&read(clone, time_zone).await?, base, BACK)?;
    let mut identities = Identities::begin(clone, catalogs).await?;
    let mut moments = Moments::new(&at_base);
    for batch in &batches {
        run::run(clone, batch, &options, &mut run::Unobserved).await.map_err(failed("the second time"))?;
        moments.after(clone, batch, &rehearsed.there).await?;
        identities.after(clone, batch, &rehearsed.there).await?;
    }
    identities.finish(&mut rehearsed.there);
    parts.extend(moments.finish(&at_end, &mut rehearsed.there));
    let lasts = |id: &ObjectId| {
        rehearsed.after.values().chain([base]).any(|catalog| catalog.objects.contains_key(id))
    };
    parts.retain(|id| !lasts(id));
    rehearsed.transient = parts;
    compare(&read(clone, time_zone).await?, desired, "the second time")?;
    Ok(rehearsed)
}

/// Has the server say what it reads, writes anew and builds, from now on.
async fn listen(session: &Session) -> Result<(), ReadError> {
    let messages = session.client().batch_execute("SET client_min_messages = debug1").await;
    messages.map_err(|source| ReadError::Query { what: "messages".to_owned(), source })?;
    session.take_notices();
    Ok(())
}

/// Reads, and pins the settings for running again.
async fn read(session: &Session, time_zone: &str) -> Result<Catalog, ReadError> {
    let catalog = live::read_scratch(session).await?;
    pin(session, time_zone).await?;
    Ok(catalog)
}

async fn pin(session: &Session, time_zone: &str) -> Result<(), ReadError> {
    let failed = |source| ReadError::Query { what: "settings".to_owned(), source };
    run::settings::pin(session, run::settings::Place::Rehearsal).await.map_err(failed)?;
    let zone = format!("SET TimeZone TO {}", sql::literal(time_zone));
    session.client().batch_execute(&zone).await.map_err(failed)
}

fn compare(is: &Catalog, should: &Catalog, direction: &'static str) -> Result<(), RehearsalError> {
    let differences = differences(is, should);
    if differences.is_empty() { Ok(()) } else { Err(RehearsalError::Differs { direction, differences }) }
}

/// The objects in which two catalogs differ, in words: at most ten.
pub fn differences(is: &Catalog, should: &Catalog) -> Vec<String> {
    let ids: BTreeSet<&ObjectId> = is.objects.keys().chain(should.objects.keys()).collect();
    let different = ids.into_iter().filter_map(|id| match (is.objects.get(id), should.objects.get(id)) {
        (Some(is), Some(should)) if is.is_like(should) => None,
        (Some(is), Some(should)) => {
            Some(format!("{id} is `{}` and should be `{}`", brief(&is.ddl(id)), brief(&should.ddl(id))))
        }
        (Some(_), None) => Some(format!("{id} is there and should not be")),
        (None, Some(_)) => Some(format!("{id} is missing")),
        (None, None) => None,
    });
    different.take(10).collect()
}

fn brief(ddl: &[Sql]) -> String {
    ddl.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

/// A relation that existed before: what it is called by now and what it is stored in.
#[derive(Debug, Clone)]
struct Known {
    name: String,
    /// What messages call it.
    short: String,
    index: bool,
    filenode: u32,
}

/// Looks at locks, files and the server's messages after every statement.
struct Watch<'a> {
    draft: &'a [Step],
    known: BTreeMap<u32, Known>,
    /// What messages call them.
    short: BTreeMap<String, String>,
    /// What the open transaction holds.
    held: BTreeMap<u32, LockMode>,
    /// Its last command that has written a relation's row.
    command: i64,
    seen: Vec<Observed>,
}

const RELATIONS: &str = "
SELECT c.oid, quote_ident(n.nspname) || '.' || quote_ident(c.relname), c.relname::text, c.relkind IN ('i', 'I'),
       coalesce(pg_relation_filenode(c.oid), 0)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'm', 'v', 'i', 'I') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'";

/// What the session holds, by mode. Oids only: one row for each lock, with its name, made a thousand statements of one
/// transaction cost a million names.
const OWN_LOCKS: &str = "
SELECT mode, array_agg(relation) FROM pg_locks
WHERE pid = pg_backend_pid() AND locktype = 'relation' AND granted
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
GROUP BY mode";

/// Relations whose row the open transaction, or a subtransaction of it, has written since its command `$1`: they have a
/// new name, or a new file. `age` counts from the transaction's own id (PostgreSQL manual, 9.27.4); command ids grow with
/// each statement (5.5). Who has written it holds a lock on it: `$2` are those, where they are few.
const CHANGED: &str = "
SELECT c.oid, command, quote_ident(n.nspname) || '.' || quote_ident(c.relname), c.relname::text,
       coalesce(pg_relation_filenode(c.oid), 0)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     CROSS JOIN LATERAL (SELECT c.cmin::text::int8 AS command) written
WHERE age(c.xmin) <= 0 AND command > $1 AND ($2 IS NULL OR c.oid = ANY ($2))";

/// Above this, reading all of pg_class once is less than looking up what is locked.
const FEW: usize = 200;

impl<'a> Watch<'a> {
    async fn new(session: &Session, draft: &'a [Step]) -> Result<Self, ReadError> {
        let failed = |source| ReadError::Query { what: "relations".to_owned(), source };
        let rows = session.client().query_typed(RELATIONS, &[]).await.map_err(failed)?;
        let (mut known, mut short) = (BTreeMap::new(), BTreeMap::new());
        for row in rows {
            let entry =
                Known { name: row.get(1), short: row.get(2), index: row.get(3), filenode: row.get(4) };
            short.entry(entry.short.clone()).or_insert_with(|| entry.name.clone());
            known.insert(row.get(0), entry);
        }
        listen(session).await?;
        Ok(Self {
            draft,
            known,
            short,
            held: BTreeMap::new(),
            command: -1,
            seen: vec![Observed::default(); draft.len()],
        })
    }

    fn finish(self) -> Vec<Observed> {
        let mut seen = self.seen;
        for observed in &mut seen {
            observed.locks.sort();
            for list in [&mut observed.rewrites, &mut observed.scans, &mut observed.builds] {
                list.sort();
                list.dedup();
            }
        }
        seen
    }

    /// What the server said that it reads, writes anew and builds (messages of `debug1`, lc_messages = C).
    fn hear(&mut self, session: &Session, at: usize) {
        for notice in session.take_notices() {
            let message = notice.message.as_str();
            let named = |prefix: &str| quoted_after(message, prefix).and_then(|name| self.relation(name));
            let rewritten = named("rewriting table ");
            let mut scanned = named("verifying table ");
            if message.starts_with("validating foreign key constraint ") {
                scanned = self.draft.get(at).map(|step| step.object.relation_sql());
            }
            let built = quoted_after(message, "building index ").and_then(|index| {
                let table = message
                    .find(" on table ")
                    .and_then(|at| quoted_after(&message[at + 1..], "on table "))?;
                self.beside(table, index)
            });
            let Some(observed) = self.seen.get_mut(at) else { continue };
            observed.rewrites.extend(rewritten);
            observed.scans.extend(scanned);
            observed.builds.extend(built);
        }
    }

    /// The name that a relation has from now on.
    fn call(&mut self, oid: u32, name: String, short: String) {
        let Some(known) = self.known.get_mut(&oid).filter(|known| known.name != name) else { return };
        let before =
            std::mem::replace(known, Known { name: name.clone(), short: short.clone(), ..known.clone() });
        if self.short.get(&before.short) == Some(&before.name) {
            self.short.remove(&before.short);
        }
        self.short.insert(short, name);
    }

    /// All names, after a rename that locks no relation.
    async fn read_names(&mut self, session: &Session) -> Result<(), RunError> {
        let rows = session.client().query_typed(RELATIONS, &[]).await;
        let rows =
            rows.map_err(|source| RunError::Control { sql: RELATIONS.to_owned(), lost: false, source })?;
        for row in rows {
            self.call(row.get(0), row.get(1), row.get(2));
        }
        Ok(())
    }

    /// The relation that existed before by its bare name, which is all that messages say.
    fn relation(&self, short: &str) -> Option<String> {
        self.short.get(short).cloned()
    }

    /// An index by its bare name, in the schema of its table, which existed before.
    fn beside(&self, table: &str, index: &str) -> Option<String> {
        let schema = self.relation(table)?.strip_suffix(&sql::ident(table))?.to_owned();
        Some(format!("{schema}{}", sql::ident(index)))
    }
}

fn quoted_after<'t>(message: &'t str, prefix: &str) -> Option<&'t str> {
    let rest = message.strip_prefix(prefix)?.strip_prefix('"')?;
    rest.find('"').map(|end| &rest[..end])
}

impl Observer for Watch<'_> {
    async fn begun(&mut self, _: &Session, _: &Batch) -> Result<(), RunError> {
        self.held.clear();
        self.command = -1;
        Ok(())
    }

    async fn after_statement(
        &mut self,
        session: &Session,
        batch: &Batch,
        item: &Item,
        _: usize,
    ) -> Result<(), RunError> {
        let at = usize::try_from(item.step).unwrap_or(1).saturating_sub(1);
        self.hear(session, at);
        if !batch.transactional {
            self.alone(item, at);
            return Ok(());
        }
        // of what the plan itself makes nobody waits for a lock
        if !self.known.is_empty() {
            self.look(session, item, at).await?;
        }
        let renames = self.draft.get(at).is_some_and(|step| step.verb == Verb::Rename);
        if renames && item.object.kind == Kind::Schema {
            self.read_names(session).await?;
        }
        // one that the plan has replaced is not among those that are known
        if let (Operation::Refresh { view }, Some(observed)) = (&item.action.operation, self.seen.get_mut(at))
        {
            strongest(&mut observed.locks, &view.sql(), LockMode::AccessExclusive);
        }
        // no message tells of every validation: that it reads the whole table follows from what it is
        if let (Operation::Validate, Some(observed)) = (&item.action.operation, self.seen.get_mut(at)) {
            if item.object.kind == Kind::DomainConstraint {
                // every table that stores the domain: the lock says which
                observed.scans.extend(observed.locks.iter().map(|lock| lock.relation.clone()));
            } else {
                observed.scans.push(item.object.relation_sql());
            }
        }
        Ok(())
    }
}

impl Watch<'_> {
    /// Which relations that existed before the statement has locked, written anew and renamed.
    async fn look(&mut self, session: &Session, item: &Item, at: usize) -> Result<(), RunError> {
        let failed = |sql: &str| {
            let sql = sql.to_owned();
            move |source| RunError::Control { sql, lost: false, source }
        };
        let rows = session.client().query_typed(OWN_LOCKS, &[]).await.map_err(failed(OWN_LOCKS))?;
        let locks: Vec<(String, Vec<u32>)> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
        let held: Vec<u32> = locks.iter().flat_map(|(_, relations)| relations).copied().collect();
        let few = (held.len() <= FEW).then_some(held);
        let parameters: [(&(dyn ToSql + Sync), Type); 2] =
            [(&self.command, Type::INT8), (&few, Type::OID_ARRAY)];
        let changed = session.client().query_typed(CHANGED, &parameters).await.map_err(failed(CHANGED))?;
        session.take_notices();
        let Some(observed) = self.seen.get_mut(at) else { return Ok(()) };
        for row in &changed {
            let (oid, filenode): (u32, u32) = (row.get(0), row.get(4));
            let Some(known) = self.known.get_mut(&oid) else { continue };
            if known.filenode != filenode && known.filenode != 0 {
                known.filenode = filenode;
                let list = if known.index { &mut observed.builds } else { &mut observed.rewrites };
                list.push(known.name.clone());
            }
        }
        // a materialized view is filled from what it reads
        let fills = item.object.kind == Kind::MaterializedView
            && matches!(item.action.operation, Operation::Bulk | Operation::Refresh { .. });
        for (mode, relations) in locks {
            let Some(mode) = LockMode::from_pg_locks(&mode) else { continue };
            for oid in relations {
                let Some(known) = self.known.get(&oid).filter(|known| !known.index) else { continue };
                if mode == LockMode::AccessShare {
                    if fills && known.filenode != 0 {
                        observed.scans.push(known.name.clone());
                    }
                } else if self.held.get(&oid).is_none_or(|held| *held < mode) {
                    self.held.insert(oid, mode);
                    strongest(&mut observed.locks, &known.name, mode);
                }
            }
        }
        for row in changed {
            self.command = self.command.max(row.get(1));
            self.call(row.get(0), row.get(2), row.get(3));
        }
        Ok(())
    }

    /// CONCURRENTLY leaves no lock to look at afterwards: what it takes is in the manual (13.3.1).
    fn alone(&mut self, item: &Item, at: usize) {
        let Some(observed) = self.seen.get_mut(at) else { return };
        if let Operation::BuildIndex { index, table, .. } = &item.action.operation {
            strongest(&mut observed.locks, &table.sql(), LockMode::ShareUpdateExclusive);
            observed.scans.push(table.sql());
            observed.builds.push(index.sql());
        }
    }
}

fn strongest(locks: &mut Vec<LockSeen>, relation: &str, mode: LockMode) {
    match locks.iter_mut().find(|lock| lock.relation == relation) {
        Some(lock) => lock.mode = lock.mode.max(mode),
        None => locks.push(LockSeen { relation: relation.to_owned(), mode }),
    }
}
