//! The journal: what ran in a database, when, by whom, under which approvals.
//!
//! It lives in the database itself, in the schema `trueup`, and is made when a plan is first applied. A role needs
//! CREATE on the database for that, or the schema made for it; nothing more. What was done is known by the step:
//! rows of a transactional batch are committed with it, a step outside a transaction is written before and after,
//! so one that was started and never finished is *in doubt* and its effect must be looked up.
//!
//! A plan is known by its digest. [`State`] is what the rows about one digest add up to; runs are folded in order,
//! so that a plan that was rolled back may run again.
//!
//! Layouts: 1 has what ran; 2 also has adoptions; 3 also has how far backfills are; 4 also has the plans; 5 also has
//! policies that are pinned; 6 also has backups; 7 also has plans that were abandoned, and refusals; 8 also has what the last
//! runs left; 9 also has everything as a chain of entries, with the approvals whole. An older layout is read as it is, and brought to the newest one when something is written.

mod abandoned;
mod adoption;
pub mod backfill;
mod ddl;
pub mod entry;
mod error;
pub mod evidence;
mod history;
mod plans;
mod policy;
mod reached;
mod refusal;
mod run;
mod shape;

use std::collections::{BTreeMap, BTreeSet};

pub use abandoned::{Abandoned, abandon, abandoned};
pub use adoption::{AdoptedState, Adoption, adoptions, record as record_adoption};
pub use ddl::{Audited, Changed, audit, changed_since, is_audited, may_audit, stop_audit};
pub use error::JournalError;
pub use history::{Run, StepRun, history, steps};
pub use plans::{OpenPlan, changed_plans, kept_plan, kept_plans, kept_plans_called, open_plans};
pub use policy::{lowerings, numbered_policy, pin, policy, record_lowering};
pub use reached::{Reached, reach, reached};
pub use refusal::{Refused, record as record_refusal, refusals};
pub use run::{Beginning, adopt, batch_done, begin, finish, step_ended, step_started};

pub use crate::step::Direction;
use jiff::Timestamp;
use serde::Serialize;
use tokio_postgres::Row;

use crate::{
    approval::Database,
    journal_sql::{self, LAYOUT, LAYOUTS, SCHEMA_COMMENT, utc},
    plan::{Digest, Plan},
    postgres::{Session, names},
    step::Phase,
};

/// The first layout that has everything as a chain of entries.
const CHAINED: i32 = 9;

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Ended {
    /// All done, and proven equal to the checkpoint; but for what psql ran ([`Run::is_by_psql`]).
    Done,
    /// Part-way.
    Stopped,
}

impl Ended {
    /// The word for it.
    pub fn label(self) -> &'static str {
        match self {
            Ended::Done => "done",
            Ended::Stopped => "stopped",
        }
    }
}

/// A step that was started outside a transaction and of which nobody wrote the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InDoubt {
    /// The row.
    pub id: i64,
    /// The step.
    pub step: u32,
    /// Which way it was going.
    pub direction: Direction,
    /// The backend that ran it.
    pub pid: i32,
    /// When that backend started, as text: with the pid it names one session.
    pub backend_start: String,
}

/// What the journal says about one plan.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct State {
    /// How often it ran, in either direction.
    pub runs: usize,
    /// The steps that are done and not undone.
    pub done: BTreeSet<u32>,
    /// A step that may be done or not.
    pub in_doubt: Option<InDoubt>,
    /// The phases that were proven at their end, and not touched since.
    pub reached: BTreeSet<Phase>,
    /// Which way the last run went.
    pub last: Option<Direction>,
    /// When it was abandoned.
    pub abandoned: Option<Timestamp>,
}

/// Where a plan stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Position {
    /// Nothing of it is there.
    NotRun,
    /// It was there, and is not any more.
    RolledBack,
    /// Part of this phase is done, or all of it without the proof.
    Within(Phase),
    /// This phase is done and proven.
    After(Phase),
}

impl State {
    /// Where the plan stands.
    pub fn position(&self, plan: &Plan) -> Position {
        let begun = plan
            .steps
            .iter()
            .rev()
            .find(|step| {
                self.done.contains(&step.id)
                    || self.in_doubt.as_ref().is_some_and(|doubt| doubt.step == step.id)
            })
            .map(|step| step.phase);
        match (begun, self.last) {
            (None, Some(Direction::Rollback)) => Position::RolledBack,
            (None, _) => Position::NotRun,
            (Some(phase), _)
                if self.reached.contains(&phase) && self.in_doubt.is_none() && self.all_done(plan, phase) =>
            {
                Position::After(phase)
            }
            (Some(phase), _) => Position::Within(phase),
        }
    }

    /// The phase of which a rollback has undone a part, and not all.
    pub fn half_undone(&self, plan: &Plan) -> Option<Phase> {
        match (self.position(plan), self.last) {
            (Position::Within(phase), Some(Direction::Rollback))
                if self.in_doubt.is_some() || !self.all_done(plan, phase) =>
            {
                Some(phase)
            }
            _ => None,
        }
    }

    fn all_done(&self, plan: &Plan, phase: Phase) -> bool {
        plan.steps.iter().filter(|step| step.phase == phase).all(|step| self.done.contains(&step.id))
    }
}

/// The number of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunId(i64);

/// The number of a step's row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowId(i64);

impl InDoubt {
    /// Its row.
    pub fn row(&self) -> RowId {
        RowId(self.id)
    }
}

/// Whether there is a journal that this version can read.
pub async fn exists(session: &Session) -> Result<bool, JournalError> {
    Ok(layout(session).await?.is_some())
}

/// The layout of the journal, if there is one that can be believed; an error, if this version does not know it.
async fn layout(session: &Session) -> Result<Option<i32>, JournalError> {
    let there = shape::believe(session).await?;
    if !there.contains("layout") {
        return Ok(None);
    }
    let row = session.client().query_opt("SELECT version FROM trueup.layout", &[]).await?;
    let said: i32 = row.map(|row| row.try_get(0)).transpose()?.unwrap_or_default();
    // who may write there cannot make the chain, and what rests on it, unsaid
    let found = if there.contains("entry") { said.max(CHAINED) } else { said };
    if (1..=LAYOUT).contains(&found) { Ok(Some(found)) } else { Err(JournalError::Layout { found }) }
}

/// Makes the journal where there is none, and an older one new. To be called under the advisory lock.
pub async fn ensure(session: &Session) -> Result<(), JournalError> {
    if let Some(found) = layout(session).await? {
        let missing = LAYOUTS.get(usize::try_from(found).unwrap_or_default()..).unwrap_or_default();
        if missing.is_empty() {
            return Ok(());
        }
        let renewed = async {
            ddl(session, &missing.concat()).await?;
            entry::begin(session).await
        };
        return together(session, renewed).await;
    }
    let row = session
        .client()
        .query_one(
            "SELECT pg_catalog.to_regnamespace('trueup') IS NOT NULL, CURRENT_USER::pg_catalog.text, \
             pg_catalog.current_database()::pg_catalog.text",
            &[],
        )
        .await?;
    let create = if row.try_get(0)? { "" } else { &format!("CREATE SCHEMA trueup; {SCHEMA_COMMENT}; ") };
    let script = format!("{create}{}", journal_sql::create());
    match together(session, ddl(session, &script)).await {
        Err(JournalError::MayNotUse(_)) => {
            Err(JournalError::MayNotCreate { role: row.try_get(1)?, database: row.try_get(2)? })
        }
        made => made,
    }
}

/// What whoever applies does to the journal's tables.
const WRITES: &str = "\
SELECT w.privilege OPERATOR(pg_catalog.||) ' on trueup.' OPERATOR(pg_catalog.||) w.name \
  FROM (VALUES ('plan', 'INSERT'), ('run', 'INSERT'), ('run', 'UPDATE'), ('step', 'INSERT'), ('step', 'UPDATE'), \
               ('approval', 'INSERT'), ('backfill', 'INSERT'), ('backfill', 'DELETE'), ('reached', 'INSERT'), \
               ('reached', 'DELETE'), ('entry', 'INSERT')) AS w (name, privilege) \
  JOIN pg_catalog.pg_class c ON c.relname OPERATOR(pg_catalog.=) w.name::pg_catalog.name \
 WHERE c.relnamespace OPERATOR(pg_catalog.=) pg_catalog.to_regnamespace('trueup')::pg_catalog.oid \
   AND NOT pg_catalog.has_table_privilege(c.oid, w.privilege)";

/// Whether the role may write to the journal, or make it where there is none, or a newer one of it. Nothing is written.
pub async fn may_write(session: &Session) -> Result<(), JournalError> {
    let found = layout(session).await?;
    let row = session
        .client()
        .query_one(
            "SELECT CURRENT_USER::pg_catalog.text, pg_catalog.current_database()::pg_catalog.text, \
                    CASE WHEN pg_catalog.to_regnamespace('trueup') IS NULL \
                         THEN pg_catalog.has_database_privilege(pg_catalog.current_database(), 'CREATE') \
                         ELSE pg_catalog.has_schema_privilege('trueup', 'CREATE') END, \
                    (SELECT pg_catalog.pg_has_role(c.relowner, 'USAGE') FROM pg_catalog.pg_class c \
                      WHERE c.oid OPERATOR(pg_catalog.=) pg_catalog.to_regclass('trueup.layout'))",
            &[],
        )
        .await?;
    let (role, database): (String, String) = (row.try_get(0)?, row.try_get(1)?);
    let (creates, owns): (bool, Option<bool>) = (row.try_get(2)?, row.try_get(3)?);
    match found {
        None if creates => Ok(()),
        None => Err(JournalError::MayNotCreate { role, database }),
        Some(found) if found < LAYOUT && owns != Some(true) => {
            let lacking =
                vec![format!("layout {found} is to become {LAYOUT}, and its tables are another role's")];
            Err(JournalError::MayNotWrite { role, lacking })
        }
        Some(_) => {
            let rows = session.client().query(WRITES, &[]).await?;
            let lacking = rows.iter().map(|row| row.try_get(0)).collect::<Result<Vec<String>, _>>()?;
            if lacking.is_empty() { Ok(()) } else { Err(JournalError::MayNotWrite { role, lacking }) }
        }
    }
}

/// Runs DDL within a transaction.
async fn ddl(session: &Session, script: &str) -> Result<(), JournalError> {
    let before = names::before_ddl(session).await?;
    Ok(session.client().batch_execute(&(before + script)).await?)
}

/// How long to wait for what another transaction writes to the journal, in seconds: that takes milliseconds, unless it is
/// left open.
const PATIENCE_S: u32 = 10;

/// Does in one transaction what belongs together.
async fn together<T>(
    session: &Session,
    writes: impl Future<Output = Result<T, JournalError>>,
) -> Result<T, JournalError> {
    session.client().batch_execute(&format!("BEGIN; SET LOCAL lock_timeout = '{PATIENCE_S}s'")).await?;
    let written = match writes.await {
        Ok(written) => session.client().batch_execute("COMMIT").await.map(|()| written).map_err(Into::into),
        failed => failed,
    };
    if written.is_err() && !session.is_closed() {
        // the error is what counts
        let _ = session.client().batch_execute("ROLLBACK").await;
    }
    written
}

/// What the journal says about a plan; nothing, where there is no journal.
pub async fn state(session: &Session, plan: &Digest) -> Result<State, JournalError> {
    if !exists(session).await? {
        return Ok(State::default());
    }
    let abandoned = abandoned(session).await?.into_iter().find(|abandoned| abandoned.plan == plan.as_str());
    let mut state = State { abandoned: abandoned.map(|abandoned| abandoned.started), ..State::default() };
    let runs = "SELECT id, phase, direction, outcome FROM trueup.run WHERE plan = $1 ORDER BY id";
    let steps = "SELECT s.run, s.id, s.step, s.outcome, r.backend_pid, r.backend_start::text \
                 FROM trueup.step s JOIN trueup.run r ON r.id = s.run WHERE r.plan = $1 ORDER BY s.id";
    let steps = session.client().query(steps, &[&plan.as_str()]).await?;
    for run in session.client().query(runs, &[&plan.as_str()]).await? {
        let (id, phase, direction) = (run.try_get::<_, i64>(0)?, phase(&run, 1)?, direction(&run, 2)?);
        state.runs += 1;
        state.last = Some(direction);
        for row in &steps {
            if row.try_get::<_, i64>(0)? != id {
                continue;
            }
            let number: i32 = row.try_get(2)?;
            let step = u32::try_from(number)
                .map_err(|_| JournalError::Content { what: "step", value: number.to_string() })?;
            match (row.try_get::<_, Option<&str>>(3)?, direction) {
                (Some("done"), Direction::Apply) => drop_doubt(&mut state, step).done.insert(step),
                (Some("done"), Direction::Rollback) => drop_doubt(&mut state, step).done.remove(&step),
                (Some(_), _) => false,
                (None, _) => {
                    let doubt = InDoubt {
                        id: row.try_get(1)?,
                        step,
                        direction,
                        pid: row.try_get(4)?,
                        backend_start: row.try_get::<_, Option<String>>(5)?.unwrap_or_default(),
                    };
                    state.in_doubt.replace(doubt).is_some()
                }
            };
        }
        match direction {
            Direction::Apply if outcome(&run, 3)? == Some(Ended::Done) => state.reached.insert(phase),
            Direction::Apply => false,
            Direction::Rollback => state.reached.remove(&phase),
        };
    }
    Ok(state)
}

/// A later row about the same step settles it.
fn drop_doubt(state: &mut State, step: u32) -> &mut State {
    if state.in_doubt.as_ref().is_some_and(|doubt| doubt.step == step) {
        state.in_doubt = None;
    }
    state
}

/// The database that a session is in.
pub async fn database(session: &Session) -> Result<Database, JournalError> {
    let asked = "SELECT system_identifier::text, pg_catalog.current_database()::text FROM pg_catalog.pg_control_system()";
    let row = session.client().query_one(asked, &[]).await?;
    let (identifier, name): (&str, &str) = (row.try_get(0)?, row.try_get(1)?);
    let content = || JournalError::Content { what: "system identifier", value: identifier.to_owned() };
    // it is unsigned, and shown as a bigint
    let identifier: i64 = identifier.parse().map_err(|_| content())?;
    Ok(Database::new(identifier.cast_unsigned(), name))
}

/// By phase and way the approvals under which a plan ran, and was taken back since.
pub async fn used_approvals(
    session: &Session,
    plan: &Digest,
) -> Result<BTreeMap<(Phase, Direction), BTreeSet<Digest>>, JournalError> {
    let mut used: BTreeMap<_, BTreeSet<Digest>> = BTreeMap::new();
    if layout(session).await?.is_none_or(|layout| layout < CHAINED) {
        return Ok(used);
    }
    let sql = "SELECT r.phase, r.direction, a.digest FROM trueup.run r JOIN trueup.approval a ON a.run = r.id \
               WHERE r.plan = $1 AND a.digest IS NOT NULL AND EXISTS ( \
                   SELECT FROM trueup.run later WHERE later.plan = r.plan AND later.phase = r.phase AND later.id > r.id \
                                                  AND later.direction <> r.direction)";
    for row in session.client().query(sql, &[&plan.as_str()]).await? {
        let digest: &str = row.try_get(2)?;
        let content = |_| JournalError::Content { what: "digest", value: digest.to_owned() };
        let digest = digest.parse().map_err(content)?;
        used.entry((phase(&row, 0)?, direction(&row, 1)?)).or_default().insert(digest);
    }
    Ok(used)
}

/// The schemas that are managed: by plans that ran, and by adoption.
pub async fn managed_schemas(session: &Session) -> Result<BTreeSet<String>, JournalError> {
    if !exists(session).await? {
        return Ok(BTreeSet::new());
    }
    let rows = session.client().query("SELECT DISTINCT unnest(schemas) FROM trueup.run", &[]).await?;
    let by_plans: Result<BTreeSet<String>, JournalError> =
        rows.iter().map(|row| row.try_get(0).map_err(JournalError::from)).collect();
    let adopted = adoptions(session).await?.into_iter().flat_map(|adoption| adoption.state.schemas);
    Ok(by_plans?.into_iter().chain(adopted).collect())
}

fn timestamp(text: &str) -> Result<Timestamp, JournalError> {
    text.parse().map_err(|_| JournalError::Content { what: "time", value: text.to_owned() })
}

fn phase(row: &Row, column: usize) -> Result<Phase, JournalError> {
    let label: &str = row.try_get(column)?;
    let found = Phase::ALL.into_iter().find(|phase| phase.label() == label);
    found.ok_or_else(|| JournalError::Content { what: "phase", value: label.to_owned() })
}

fn direction(row: &Row, column: usize) -> Result<Direction, JournalError> {
    let label: &str = row.try_get(column)?;
    let found =
        [Direction::Apply, Direction::Rollback].into_iter().find(|direction| direction.label() == label);
    found.ok_or_else(|| JournalError::Content { what: "direction", value: label.to_owned() })
}

fn outcome(row: &Row, column: usize) -> Result<Option<Ended>, JournalError> {
    Ok(match row.try_get::<_, Option<&str>>(column)? {
        None => None,
        Some("done") => Some(Ended::Done),
        Some("stopped") => Some(Ended::Stopped),
        Some(other) => return Err(JournalError::Content { what: "outcome", value: other.to_owned() }),
    })
}
