//! The policy that is pinned in a database, so that no change of a file can lower it.

use super::{JournalError, layout};
use crate::{approval::pinned::Pinned, postgres::Session};

/// The policy that holds in this database beside the file's, if one does.
pub async fn policy(session: &Session) -> Result<Option<Pinned>, JournalError> {
    if layout(session).await?.is_none_or(|layout| layout < 5) {
        return Ok(None);
    }
    let last = "SELECT body FROM trueup.policy ORDER BY id DESC LIMIT 1";
    let Some(row) = session.client().query_opt(last, &[]).await? else { return Ok(None) };
    let Some(body) = row.try_get::<_, Option<String>>(0)? else { return Ok(None) };
    match serde_json::from_str(&body) {
        Ok(pinned) => Ok(Some(pinned)),
        Err(_) => Err(JournalError::Content { what: "policy", value: body }),
    }
}

/// Pins a policy, or takes away what was pinned.
pub async fn pin(session: &Session, pinned: Option<&Pinned>) -> Result<(), JournalError> {
    let body = pinned.map(|pinned| serde_json::json!(pinned).to_string());
    session.client().execute("INSERT INTO trueup.policy (body) VALUES ($1)", &[&body]).await?;
    Ok(())
}
