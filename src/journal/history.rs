//! What ran, for people and programs to read.

use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;
use tokio_postgres::Row;

use super::{Direction, Ended, JournalError, direction, exists, outcome, phase, timestamp, utc};
use crate::{journal_sql::PSQL, plan::Digest, postgres::Session, step::Phase};

/// One line of the history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Run {
    /// Its number.
    pub id: i64,
    /// The plan's digest.
    pub plan: String,
    /// The plan's name.
    pub name: String,
    /// The phase.
    pub phase: Phase,
    /// Which way.
    pub direction: Direction,
    /// When it began.
    pub started: Timestamp,
    /// When it ended.
    pub finished: Option<Timestamp>,
    /// Whether it ended proven; None: it runs, or its client died.
    pub outcome: Option<Ended>,
    /// Why it stopped.
    pub remark: Option<String>,
    /// The role that ran it.
    pub role: String,
    /// What ran it: trueup's version, or psql and the script that it ran.
    pub tool: String,
    /// What was said of a backup before it.
    pub backup: Option<String>,
    /// Who broke the glass, where approvals were missing.
    pub glass: Option<String>,
    /// Who had approved.
    pub approvers: Vec<String>,
    /// How many steps it did.
    pub steps: i64,
}

/// One step of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StepRun {
    /// The run.
    #[serde(skip)]
    pub run: i64,
    /// The step.
    pub step: u32,
    /// Its batch.
    pub batch: u32,
    /// When it began.
    pub started: Timestamp,
    /// When it was done, in the transaction of its batch; None: its end is in doubt.
    pub finished: Option<Timestamp>,
    /// Whether it had its effect.
    pub done: bool,
}

impl StepRun {
    /// How long it took, as far as that is known.
    pub fn took(&self) -> Option<Duration> {
        Duration::try_from(self.finished?.duration_since(self.started)).ok()
    }
}

/// The steps of every run, or of those of one plan, in the order in which they were written.
pub async fn steps(session: &Session, plan: Option<&Digest>) -> Result<Vec<StepRun>, JournalError> {
    if !exists(session).await? {
        return Ok(Vec::new());
    }
    let sql = format!(
        "SELECT s.run, s.step, s.batch, {started}, {finished}, s.outcome OPERATOR(pg_catalog.=) 'done' \
           FROM trueup.step s JOIN trueup.run r ON r.id OPERATOR(pg_catalog.=) s.run \
          WHERE $1::pg_catalog.text IS NULL OR r.plan OPERATOR(pg_catalog.=) $1 ORDER BY s.id",
        started = utc("s.started"),
        finished = utc("s.finished")
    );
    let number = |row: &Row, column| {
        let number: i32 = row.try_get(column)?;
        u32::try_from(number).map_err(|_| JournalError::Content { what: "step", value: number.to_string() })
    };
    let rows = session.client().query(&sql, &[&plan.map(Digest::as_str)]).await?;
    rows.iter()
        .map(|row| {
            Ok(StepRun {
                run: row.try_get(0)?,
                step: number(row, 1)?,
                batch: number(row, 2)?,
                started: timestamp(row.try_get(3)?)?,
                finished: row.try_get::<_, Option<&str>>(4)?.map(timestamp).transpose()?,
                done: row.try_get::<_, Option<bool>>(5)?.unwrap_or_default(),
            })
        })
        .collect()
}

impl Run {
    /// Whether psql ran it, by a plan's script: nobody's approval was asked for, and its end was not compared.
    pub fn is_by_psql(&self) -> bool {
        self.tool.starts_with(PSQL)
    }
}

/// Every run, the oldest first.
pub async fn history(session: &Session) -> Result<Vec<Run>, JournalError> {
    if !exists(session).await? {
        return Ok(Vec::new());
    }
    let sql = format!(
        "SELECT id, plan, name, phase, direction, outcome, \
                      {started}, \
                      {finished}, \
                      remark, role, \
                      ARRAY(SELECT approver FROM trueup.approval a WHERE a.run = r.id ORDER BY approver), \
                      (SELECT pg_catalog.count(*) FROM trueup.step s WHERE s.run = r.id AND s.outcome = 'done'), \
                      pg_catalog.to_jsonb(r) OPERATOR(pg_catalog.->>) 'backup', \
                      pg_catalog.to_jsonb(r) OPERATOR(pg_catalog.->>) 'glass', tool \
               FROM trueup.run r ORDER BY id",
        started = utc("started"),
        finished = utc("finished")
    );
    let rows = session.client().query(&sql, &[]).await?;
    rows.iter()
        .map(|row| {
            Ok(Run {
                id: row.try_get(0)?,
                plan: row.try_get(1)?,
                name: row.try_get(2)?,
                phase: phase(row, 3)?,
                direction: direction(row, 4)?,
                outcome: outcome(row, 5)?,
                started: timestamp(row.try_get(6)?)?,
                finished: row.try_get::<_, Option<&str>>(7)?.map(timestamp).transpose()?,
                remark: row.try_get(8)?,
                role: row.try_get(9)?,
                approvers: row.try_get(10)?,
                steps: row.try_get(11)?,
                // an older layout does not have them
                backup: row.try_get(12)?,
                glass: row.try_get(13)?,
                tool: row.try_get(14)?,
            })
        })
        .collect()
}
