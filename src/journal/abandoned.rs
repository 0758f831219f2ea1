//! Plans that are neither finished nor rolled back, and will not be.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::json;

use super::{JournalError, entry, layout, timestamp, together, utc};
use crate::{plan::PlanFile, postgres::Session};

/// A plan that was abandoned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Abandoned {
    /// The plan's digest.
    pub plan: String,
    /// The plan's name.
    pub name: String,
    /// When.
    pub started: Timestamp,
    /// Why, in the words of who did it.
    pub remark: Option<String>,
    /// The role that did it.
    pub role: String,
}

/// Every plan that was abandoned, the oldest first.
pub async fn abandoned(session: &Session) -> Result<Vec<Abandoned>, JournalError> {
    if layout(session).await?.is_none_or(|layout| layout < 7) {
        return Ok(Vec::new());
    }
    let sql = format!(
        "SELECT plan, name, \
                      {ended}, reason, role \
               FROM trueup.abandoned ORDER BY ended, plan",
        ended = utc("ended")
    );
    let rows = session.client().query(&sql, &[]).await?;
    rows.iter()
        .map(|row| {
            Ok(Abandoned {
                plan: row.try_get(0)?,
                name: row.try_get(1)?,
                started: timestamp(row.try_get(2)?)?,
                remark: row.try_get(3)?,
                role: row.try_get(4)?,
            })
        })
        .collect()
}

/// Writes that a plan is abandoned. To be called under the advisory lock.
pub async fn abandon(
    session: &Session,
    file: &PlanFile,
    reason: Option<&str>,
    tool: &str,
) -> Result<(), JournalError> {
    let sql = "INSERT INTO trueup.abandoned (plan, name, reason, tool) VALUES ($1, $2, $3, $4)";
    let PlanFile { plan, digest, .. } = file;
    let body = json!({ "plan": digest, "name": plan.name, "reason": reason, "tool": tool });
    let written = async {
        session.client().execute(sql, &[&digest.as_str(), &plan.name, &reason, &tool]).await?;
        entry::add(session, "abandoned", &body).await
    };
    together(session, written).await
}
