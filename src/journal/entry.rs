//! The journal as evidence: everything that happened, in one chain.
//!
//! The other tables say how things stand, and are changed as they go on. `trueup.entry` is only added to. Each entry has the
//! hash of the one before in its own, so that none can be changed, left out or put in without all that follow being written
//! anew; and an export that somebody kept shows that (`trueup history --verify --extends`). Approvals are in it whole, with
//! their signatures, which nobody can write anew.
//!
//! A hash is the SHA-256 of `previous`, `id`, `written` (UTC, microseconds), `kind`, `body` and `role`, joined by newlines, in
//! UTF-8. The role comes last since its name may have newlines; nothing else has.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::{JournalError, shape};
use crate::{
    journal_sql::{self, NOTHING, utc},
    postgres::Session,
};

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Its number: 1, 2, 3 …
    pub id: i64,
    /// When it was written, by the server's clock, as its hash has it.
    pub written: String,
    /// What kind of thing: `run`, `batch`, `step`, `end`, `refusal`, `abandoned`, `adoption`, `policy`, `lowering`, `before`.
    pub kind: String,
    /// What happened.
    pub body: Value,
    /// The role that wrote it.
    pub role: String,
    /// The hash of the entry before.
    pub previous: String,
    /// Its own.
    pub hash: String,
}

/// Why a chain is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// An entry is not the next one.
    #[error("entry {found} comes where {expected} should")]
    Gap {
        /// The number that was expected.
        expected: i64,
        /// The one that there is.
        found: i64,
    },
    /// An entry does not follow the one before.
    #[error(
        "entry {0} does not follow the entry before it: one of them was changed, or one between them is missing"
    )]
    Follows(i64),
    /// An entry is not what was written.
    #[error("entry {0} was changed after it was written")]
    Changed(i64),
    /// The earlier export has an entry that is not here.
    #[error("entry {0} of the earlier export is not here, or is another one")]
    Rewritten(i64),
}

impl Entry {
    fn digest(&self) -> String {
        let id = self.id.to_string();
        let body = self.body.to_string();
        let lines = [&self.previous, &id, &self.written, &self.kind, &body, &self.role];
        let text = lines.map(String::as_str).join("\n");
        Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// When it was written.
    pub fn time(&self) -> Option<Timestamp> {
        self.written.parse().ok()
    }
}

/// Where a chain breaks first, if it does.
pub fn check(entries: &[Entry]) -> Result<(), Broken> {
    let mut previous = NOTHING;
    for (expected, entry) in (1..).zip(entries) {
        if entry.id != expected {
            return Err(Broken::Gap { expected, found: entry.id });
        }
        if entry.previous != previous {
            return Err(Broken::Follows(entry.id));
        }
        if entry.hash != entry.digest() {
            return Err(Broken::Changed(entry.id));
        }
        previous = &entry.hash;
    }
    Ok(())
}

/// Whether a chain goes on from an earlier one.
pub fn extends(entries: &[Entry], earlier: &[Entry]) -> Result<(), Broken> {
    let by_id: BTreeMap<i64, &str> = entries.iter().map(|entry| (entry.id, &*entry.hash)).collect();
    let lost = earlier.iter().find(|entry| by_id.get(&entry.id) != Some(&&*entry.hash));
    lost.map_or(Ok(()), |entry| Err(Broken::Rewritten(entry.id)))
}

/// Adds an entry; to be called in the transaction of what happened, as its last statement: another one that adds waits for it.
pub(super) async fn add(session: &Session, kind: &str, body: &Value) -> Result<(), JournalError> {
    let sql = journal_sql::add_entry();
    let body = body.to_string();
    // somebody else's entry may have come between
    while session.client().execute(&sql, &[&kind, &body]).await? == 0 {}
    Ok(())
}

/// All of them, the oldest first; none, where the journal is of an older layout.
pub async fn entries(session: &Session) -> Result<Vec<Entry>, JournalError> {
    read(session, None).await
}

/// Those of one kind.
pub(super) async fn of_kind(session: &Session, kind: &str) -> Result<Vec<Entry>, JournalError> {
    read(session, Some(kind)).await
}

async fn read(session: &Session, kind: Option<&str>) -> Result<Vec<Entry>, JournalError> {
    // whatever layout the journal says that it has
    if !shape::believe(session).await?.contains("entry") {
        return Ok(Vec::new());
    }
    let sql = format!(
        "SELECT id, COALESCE({written}, written::pg_catalog.text), kind, body, role, previous, hash FROM trueup.entry \
         WHERE $1::pg_catalog.text IS NULL OR kind = $1 ORDER BY id",
        written = utc("written")
    );
    let rows = session.client().query(&sql, &[&kind]).await?;
    rows.iter()
        .map(|row| {
            let body: String = row.try_get(3)?;
            let parsed: Option<Value> = serde_json::from_str(&body).ok();
            let again = parsed.as_ref().map(Value::to_string);
            Ok(Entry {
                id: row.try_get(0)?,
                written: row.try_get(1)?,
                kind: row.try_get(2)?,
                // what trueup did not write in these very bytes is kept as text, whose hash does not hold
                body: parsed.filter(|_| again.as_ref() == Some(&body)).unwrap_or(Value::String(body)),
                role: row.try_get(4)?,
                previous: row.try_get(5)?,
                hash: row.try_get(6)?,
            })
        })
        .collect()
}

/// Begins the chain of a journal that is older than chains with what it says; to be called where there is no entry.
pub(super) async fn begin(session: &Session) -> Result<(), JournalError> {
    let said = "SELECT pg_catalog.count(*) FROM trueup.run";
    let runs: i64 = session.client().query_one(said, &[]).await?.try_get(0)?;
    if runs == 0 {
        return Ok(());
    }
    let runs = super::history(session).await?;
    let adoptions = super::adoptions(session).await?;
    let (refusals, abandoned) = (super::refusals(session).await?, super::abandoned(session).await?);
    let body = serde_json::json!({ "runs": runs, "adoptions": adoptions, "refusals": refusals, "abandoned": abandoned });
    add(session, "before", &body).await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chain(count: i64) -> Vec<Entry> {
        let mut entries: Vec<Entry> = Vec::new();
        for id in 1..=count {
            let previous = entries.last().map_or(NOTHING.to_owned(), |entry| entry.hash.clone());
            let mut entry = Entry {
                id,
                written: "2026-11-30T00:00:00.000000Z".to_owned(),
                kind: "end".to_owned(),
                body: serde_json::json!({ "run": id }),
                role: "deployer\n".to_owned(),
                previous,
                hash: String::new(),
            };
            entry.hash = entry.digest();
            entries.push(entry);
        }
        entries
    }

    #[test]
    fn what_is_changed_left_out_or_written_anew_is_found() {
        let whole = chain(4);
        assert_eq!(check(&whole), Ok(()));
        let mut changed = whole.clone();
        changed[1].body = serde_json::json!({ "run": 9 });
        assert_eq!(check(&changed), Err(Broken::Changed(2)));
        changed[1].hash = changed[1].digest();
        assert_eq!(check(&changed), Err(Broken::Follows(3)));
        let mut shorter = whole.clone();
        shorter.remove(2);
        assert_eq!(check(&shorter), Err(Broken::Gap { expected: 3, found: 4 }));
        assert_eq!(extends(&whole, &whole[..2]), Ok(()));
        assert_eq!(extends(&whole[..2], &whole), Err(Broken::Rewritten(3)));
        assert_eq!(extends(&changed, &whole), Err(Broken::Rewritten(2)));
    }
}
