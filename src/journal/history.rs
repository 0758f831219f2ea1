//! What ran, for people and programs to read.

use jiff::Timestamp;
use serde::Serialize;

use super::{Direction, Ended, JournalError, direction, exists, outcome, phase, timestamp, utc};
use crate::{journal_sql::PSQL, postgres::Session, step::Phase};

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
