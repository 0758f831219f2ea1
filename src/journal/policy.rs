//! The policy that is pinned in a database, so that no change of a file can lower it.

use super::{JournalError, entry, shape, together};
use crate::{
    approval::{lowering::Lowering, pinned::Pinned},
    postgres::Session,
};

/// The policy that holds in this database beside the file's, if one does.
pub async fn policy(session: &Session) -> Result<Option<Pinned>, JournalError> {
    Ok(numbered_policy(session).await?.map(|(_, pinned)| pinned))
}

/// The same with its number, which no other one has.
pub async fn numbered_policy(session: &Session) -> Result<Option<(i64, Pinned)>, JournalError> {
    // whatever layout the journal says that it has
    if !shape::believe(session).await?.contains("policy") {
        return Ok(None);
    }
    let last = "SELECT body, id FROM trueup.policy ORDER BY id DESC LIMIT 1";
    let Some(row) = session.client().query_opt(last, &[]).await? else { return Ok(None) };
    let Some(body) = row.try_get::<_, Option<String>>(0)? else { return Ok(None) };
    match serde_json::from_str(&body) {
        Ok(pinned) => Ok(Some((row.try_get(1)?, pinned))),
        Err(_) => Err(JournalError::Content { what: "policy", value: body }),
    }
}

/// Writes down that somebody wants a policy that asks for less.
pub async fn record_lowering(session: &Session, lowering: &Lowering) -> Result<(), JournalError> {
    entry::add(session, "lowering", &serde_json::json!(lowering)).await
}

/// Who wanted less of any policy. What is none of trueup's is left out: anybody who applies can add an entry.
pub async fn lowerings(session: &Session) -> Result<Vec<Lowering>, JournalError> {
    let all = entry::of_kind(session, "lowering").await?.into_iter();
    Ok(all.filter_map(|entry| serde_json::from_value(entry.body).ok()).collect())
}

/// Pins a policy, or takes away what was pinned. By a superuser's hand the journal becomes his, so that nobody else pins another.
pub async fn pin(session: &Session, pinned: Option<&Pinned>) -> Result<(), JournalError> {
    let body = pinned.map(|pinned| serde_json::json!(pinned).to_string());
    let written = async {
        if session.is_superuser() {
            shape::take_over(session).await?;
        }
        session.client().execute("INSERT INTO trueup.policy (body) VALUES ($1)", &[&body]).await?;
        entry::add(session, "policy", &serde_json::json!({ "policy": pinned })).await
    };
    together(session, written).await
}
