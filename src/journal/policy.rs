//! The policy that is pinned in a database, so that no change of a file can lower it.

use super::{JournalError, execute, shape};
use crate::{approval::pinned::Pinned, postgres::Session};

/// The policy that holds in this database beside the file's, if one does.
pub async fn policy(session: &Session) -> Result<Option<Pinned>, JournalError> {
    // whatever layout the journal says that it has
    if !shape::believe(session).await?.contains("policy") {
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

/// Pins a policy, or takes away what was pinned. By a superuser's hand the journal becomes his, so that nobody else pins another.
pub async fn pin(session: &Session, pinned: Option<&Pinned>) -> Result<(), JournalError> {
    if session.is_superuser() {
        execute(session, &shape::hand_over()).await?;
    }
    let body = pinned.map(|pinned| serde_json::json!(pinned).to_string());
    session.client().execute("INSERT INTO trueup.policy (body) VALUES ($1)", &[&body]).await?;
    Ok(())
}
