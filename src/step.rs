//! Steps: what `lower` makes and everyone after it reads.

use serde::{Deserialize, Serialize};

mod operation;

pub use operation::{Action, Operation};

use crate::{
    name::ObjectId,
    sql::{self, Sql},
};

/// When a step may run, seen from the application's deployments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Old and new code both work afterwards.
    Expand,
    /// Needs the old code gone.
    Contract,
}

impl Phase {
    /// Both, in the order they run.
    pub const ALL: [Phase; 2] = [Phase::Expand, Phase::Contract];

    /// The phase's name on the command line and in files.
    pub fn label(self) -> &'static str {
        match self {
            Phase::Expand => "expand",
            Phase::Contract => "contract",
        }
    }
}

/// Which way a phase goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// It is applied.
    Apply,
    /// It is rolled back.
    Rollback,
}

impl Direction {
    /// The command's name.
    pub fn label(self) -> &'static str {
        match self {
            Direction::Apply => "apply",
            Direction::Rollback => "rollback",
        }
    }
}

/// What a step does to its object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verb {
    /// It was not there.
    Create,
    /// It changes in place.
    Alter,
    /// It is called something else from now on.
    Rename,
    /// A constraint added as NOT VALID is proven.
    Validate,
    /// Its rows get their values, batch by batch.
    Fill,
    /// It goes, and comes back within the same plan.
    Replace,
    /// It goes.
    Drop,
}

impl Verb {
    /// The verb as plans print it.
    pub fn label(self) -> &'static str {
        match self {
            Verb::Create => "create",
            Verb::Alter => "alter",
            Verb::Rename => "rename",
            Verb::Validate => "validate",
            Verb::Fill => "fill",
            Verb::Replace => "replace",
            Verb::Drop => "drop",
        }
    }
}

/// How long a step may wait and run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Timeouts {
    /// `lock_timeout` in milliseconds; 0 waits for ever (only for CONCURRENTLY, which blocks nobody meanwhile).
    pub lock_ms: u32,
    /// `statement_timeout` in milliseconds; 0 is none (scans and builds that hold no strong lock).
    pub statement_ms: u32,
}

impl Timeouts {
    /// For statements that change only the catalog.
    pub const CATALOG: Self = Self { lock_ms: 2_000, statement_ms: 30_000 };
    /// For CREATE and DROP INDEX CONCURRENTLY: a timeout would only leave an invalid index behind.
    pub const CONCURRENT: Self = Self { lock_ms: 0, statement_ms: 0 };
    /// For scans and rewrites: waits shortly for its lock, then takes the time it needs.
    pub const SLOW: Self = Self { lock_ms: 2_000, statement_ms: 0 };

    /// The statements that set them: for the session, or, where that is said, for the transaction (`LOCAL `).
    pub fn set(self, local: &str) -> String {
        let Self { lock_ms, statement_ms } = self;
        format!("SET {local}lock_timeout = {lock_ms}; SET {local}statement_timeout = {statement_ms}")
    }

    /// Whether either limit is more than the other's, or none where that has one.
    pub fn is_longer_than(self, most: Self) -> bool {
        let longer = |own: u32, most: u32| most != 0 && (own == 0 || own > most);
        longer(self.lock_ms, most.lock_ms) || longer(self.statement_ms, most.statement_ms)
    }
}

/// Steps by their numbers: `step 7`, or `steps 5, 6`.
pub fn numbered(steps: &[u32]) -> String {
    let numbers = steps.iter().map(u32::to_string).collect::<Vec<_>>().join(", ");
    if steps.len() == 1 { format!("step {numbers}") } else { format!("steps {numbers}") }
}

/// How the rows of a table are gone through.
///
/// The statement gets the last key that was visited ($1, an array of text; NULL at first), the last one of all ($2)
/// and how many rows or blocks to visit ($3). It returns how many it visited, how many it changed, and the last key
/// it visited; NULL for none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Backfill {
    /// The table whose own rows are filled, as SQL names it.
    pub table: String,
    /// The columns that are filled.
    pub columns: Vec<String>,
    /// The columns of the key in whose order rows are visited, as SQL names them. Without a key blocks are visited,
    /// as often as any row needed it: updates move rows.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub key: Vec<String>,
    /// How many rows, or blocks, the first batch visits. The next ones take as many as fit into the time.
    pub rows: u32,
    /// Whether the tables' own triggers do not fire: each batch is written as a replica would write it (PostgreSQL manual,
    /// 20.11.1, `session_replication_role`), for which the role needs the right to SET that.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub skip_triggers: bool,
}

impl Backfill {
    /// The query for the key to end with: that of the last row that is there now, or how many blocks there are.
    pub fn ending(&self) -> String {
        let Self { table, key, .. } = self;
        if key.is_empty() {
            let table = sql::literal(table);
            return format!(
                "SELECT ARRAY[(pg_catalog.pg_relation_size({table}) / pg_catalog.current_setting('block_size')::pg_catalog.int8)::pg_catalog.text]"
            );
        }
        let texts: Vec<String> = key.iter().map(|column| format!("{column}::pg_catalog.text")).collect();
        let down: Vec<String> = key.iter().map(|column| format!("{column} DESC")).collect();
        format!("SELECT ARRAY[{}] FROM ONLY {table} ORDER BY {} LIMIT 1", texts.join(", "), down.join(", "))
    }
}

/// A question to the data before a step, or its undo, that fails on some rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataCheck {
    /// The phase of the step.
    pub phase: Phase,
    /// Whether it is the undo that fails: then it is asked before a rollback.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub back: bool,
    /// Whether it asks by names that the plan's first steps take away: only before those.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub by_old_names: bool,
    /// What the step is about.
    pub object: ObjectId,
    /// The relation whose rows are asked for, as SQL names it then: the question has its owner's rights.
    pub relation: String,
    /// What there must be none of: `NULL in tier of table public.person`.
    pub what: String,
    /// One row: how many there are, up to a limit, and one of them as text.
    pub sql: Sql,
}

/// A question to the data before a rollback: how many rows have values that the undo of a step changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LossCount {
    /// The step, by its number.
    pub step: u32,
    /// The relation whose rows are asked for, as SQL names it then: the question has its owner's rights.
    pub relation: String,
    /// What is lost.
    pub what: String,
    /// One row: how many there are, and how many rows there are at all.
    pub sql: Sql,
}

/// A column that has two names between the phases, and what counts who writes by the old one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OldName {
    /// The column under its new name.
    pub column: ObjectId,
    /// The old name.
    pub old: String,
    /// The sequence that counts rows, as SQL names it.
    pub writes: String,
    /// The sequence that has the time of the last one, in seconds since 1970.
    pub last: String,
}

/// One reviewable unit of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// When it may run.
    pub phase: Phase,
    /// What it does.
    pub verb: Verb,
    /// The object that it is about.
    pub object: ObjectId,
    /// One line for the reader: `add column tier to table public.person`.
    pub summary: String,
    /// The way there.
    pub run: Action,
    /// The way back, from the state right after `run`.
    pub undo: Action,
    /// Steps with the same number share one transaction; a step outside a transaction has its number alone.
    pub batch: u32,
    /// Set for what only the way back does: with which other step it counts as done.
    pub with: Option<With>,
}

/// Whose end is also that of a step that only the way back has. It is there so that the other can be undone, and has no
/// sense where the other has not run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum With {
    /// The next step that does something: the way back ends with this one.
    Next,
    /// The last one before that does something: the way back begins with this one.
    Previous,
}

/// What was seen while one action ran in the rehearsal.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Observed {
    /// Locks on relations that existed before: `ACCESS EXCLUSIVE on public.orders`, the strongest per relation.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub locks: Vec<LockSeen>,
    /// Relations whose files were written anew.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rewrites: Vec<String>,
    /// Relations that were read from end to end to prove something.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scans: Vec<String>,
    /// Indexes that were built on relations that existed before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub builds: Vec<String>,
    /// Functions that worked until now and do not any more, when the phase ends with it: `app.f(integer): why`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub breaks: Vec<String>,
    /// What others do not find after the step, and found before the plan and will find after it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<Missing>,
    /// Published tables of which updates or deletions are refused after the step, and were not before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unidentified: Vec<Unidentified>,
}

/// A table that publishes updates and has no replica identity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unidentified {
    /// The table, as SQL names it.
    pub table: String,
    /// `UPDATE and DELETE`, or the one of them that is published.
    pub refused: String,
    /// The publications, as SQL names them: `a, b`.
    pub publications: String,
    /// The step after which they are no longer refused; none where that lasts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<u32>,
}

/// What is there before the plan and after it, and is not after a step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Missing {
    /// In words: `column public.t.a`.
    pub what: String,
    /// What it is to those who use the database.
    pub promise: Promise,
    /// The step that brings it back.
    pub until: u32,
}

/// What something is to those who use the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Promise {
    /// Statements name it.
    Name,
    /// Queries see its rows.
    Rows,
    /// Rows get its value.
    Default,
    /// Rows must be so.
    Rule,
    /// It runs when rows are written.
    Trigger,
    /// It says which rows a role sees and writes.
    Policy,
    /// A role may do it.
    Privilege,
}

/// A lock that a statement took on a relation that existed before it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LockSeen {
    /// The relation, as SQL names it.
    pub relation: String,
    /// The mode, as the manual names it (PostgreSQL manual, 13.3.1).
    pub mode: LockMode,
}

/// Table-level lock modes, from weak to strong (PostgreSQL manual, 13.3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum LockMode {
    /// ACCESS SHARE: conflicts only with ACCESS EXCLUSIVE.
    #[serde(rename = "ACCESS SHARE")]
    AccessShare,
    /// ROW SHARE.
    #[serde(rename = "ROW SHARE")]
    RowShare,
    /// ROW EXCLUSIVE: what INSERT, UPDATE and DELETE take.
    #[serde(rename = "ROW EXCLUSIVE")]
    RowExclusive,
    /// SHARE UPDATE EXCLUSIVE: lets reads and writes go on.
    #[serde(rename = "SHARE UPDATE EXCLUSIVE")]
    ShareUpdateExclusive,
    /// SHARE: blocks writes.
    #[serde(rename = "SHARE")]
    Share,
    /// SHARE ROW EXCLUSIVE: blocks writes.
    #[serde(rename = "SHARE ROW EXCLUSIVE")]
    ShareRowExclusive,
    /// EXCLUSIVE: blocks writes.
    #[serde(rename = "EXCLUSIVE")]
    Exclusive,
    /// ACCESS EXCLUSIVE: blocks reads and writes.
    #[serde(rename = "ACCESS EXCLUSIVE")]
    AccessExclusive,
}

impl LockMode {
    /// The mode as the manual writes it.
    pub fn label(self) -> &'static str {
        match self {
            LockMode::AccessShare => "ACCESS SHARE",
            LockMode::RowShare => "ROW SHARE",
            LockMode::RowExclusive => "ROW EXCLUSIVE",
            LockMode::ShareUpdateExclusive => "SHARE UPDATE EXCLUSIVE",
            LockMode::Share => "SHARE",
            LockMode::ShareRowExclusive => "SHARE ROW EXCLUSIVE",
            LockMode::Exclusive => "EXCLUSIVE",
            LockMode::AccessExclusive => "ACCESS EXCLUSIVE",
        }
    }

    /// The mode that `pg_locks.mode` names (`AccessExclusiveLock`).
    pub fn from_pg_locks(mode: &str) -> Option<Self> {
        Some(match mode {
            "AccessShareLock" => LockMode::AccessShare,
            "RowShareLock" => LockMode::RowShare,
            "RowExclusiveLock" => LockMode::RowExclusive,
            "ShareUpdateExclusiveLock" => LockMode::ShareUpdateExclusive,
            "ShareLock" => LockMode::Share,
            "ShareRowExclusiveLock" => LockMode::ShareRowExclusive,
            "ExclusiveLock" => LockMode::Exclusive,
            "AccessExclusiveLock" => LockMode::AccessExclusive,
            _ => return None,
        })
    }

    /// Whether writers wait while it is held.
    pub fn blocks_writes(self) -> bool {
        self >= LockMode::Share
    }
}
