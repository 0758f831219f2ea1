//! What was refused: who tried, and why it did not run.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::json;
use tokio_postgres::types::ToSql;

use super::{CHAINED, Direction, JournalError, direction, entry, layout, timestamp, together, utc};
use crate::{plan::PlanFile, postgres::Session};

/// An apply or a rollback that was refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Refused {
    /// The plan's digest.
    pub plan: String,
    /// The plan's name.
    pub name: String,
    /// Which way it was to go.
    pub direction: Direction,
    /// When.
    pub started: Timestamp,
    /// Why it did not.
    pub remark: String,
    /// The role that tried.
    pub role: String,
}

/// Every refusal, the oldest first.
pub async fn refusals(session: &Session) -> Result<Vec<Refused>, JournalError> {
    if layout(session).await?.is_none_or(|layout| layout < 7) {
        return Ok(Vec::new());
    }
    let sql = format!(
        "SELECT plan, name, direction, \
                      {refused}, why, role \
               FROM trueup.refusal ORDER BY id",
        refused = utc("refused")
    );
    let rows = session.client().query(&sql, &[]).await?;
    rows.iter()
        .map(|row| {
            Ok(Refused {
                plan: row.try_get(0)?,
                name: row.try_get(1)?,
                direction: direction(row, 2)?,
                started: timestamp(row.try_get(3)?)?,
                remark: row.try_get(4)?,
                role: row.try_get(5)?,
            })
        })
        .collect()
}

/// Writes down a refusal, where there is a journal of the newest layout: nothing is made or changed for one.
pub async fn record(
    session: &Session,
    file: &PlanFile,
    direction: Direction,
    why: &str,
    tool: &str,
) -> Result<(), JournalError> {
    if layout(session).await?.is_none_or(|layout| layout < CHAINED) {
        return Ok(());
    }
    let sql = "INSERT INTO trueup.refusal (plan, name, direction, why, tool) VALUES ($1, $2, $3, $4, $5)";
    let PlanFile { plan, digest, .. } = file;
    let body = json!({ "plan": digest, "name": plan.name, "direction": direction, "why": why, "tool": tool });
    let written = async {
        let values: [&(dyn ToSql + Sync); 5] =
            [&digest.as_str(), &plan.name, &direction.label(), &why, &tool];
        session.client().execute(sql, &values).await?;
        entry::add(session, "refusal", &body).await
    };
    together(session, written).await
}
