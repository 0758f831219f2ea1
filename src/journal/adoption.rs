//! Databases that were taken as they were: from then on trueup manages these schemas.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::Serialize;

use super::{JournalError, entry, layout, timestamp, together, utc};
use crate::{
    catalog::{Catalog, Fingerprint, scope::Scope},
    postgres::Session,
};

/// One line about a database that was taken as it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Adoption {
    /// Its number.
    pub id: i64,
    /// When.
    pub adopted: Timestamp,
    /// What it was.
    #[serde(flatten)]
    pub state: AdoptedState,
    /// The server's version: another one may print the same objects differently.
    pub server_version: i32,
    /// The version of trueup: another one may read more of an object.
    pub tool: String,
    /// The role that adopted it.
    pub role: String,
}

/// What a database was when it was adopted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AdoptedState {
    /// The schemas.
    pub schemas: BTreeSet<String>,
    /// How many objects they have.
    pub objects: i64,
    /// The fingerprint of these.
    pub fingerprint: Fingerprint,
}

impl AdoptedState {
    /// The state of these schemas in a catalog, but for what is ignored.
    pub fn of(catalog: &Catalog, schemas: BTreeSet<String>, ignore: &[String]) -> Self {
        let scope = Scope {
            schemas: schemas.clone(),
            database: BTreeSet::new(),
            ignore: ignore.to_vec(),
            unsaid: BTreeSet::new(),
        };
        let managed = catalog.within(&scope);
        let lines = managed.objects.iter().map(|(id, object)| format!("{} {id}\n", object.fingerprint(id)));
        let fingerprint = Fingerprint::of(lines.collect::<String>());
        let objects = i64::try_from(managed.objects.len()).unwrap_or(i64::MAX);
        Self { schemas, objects, fingerprint }
    }
}

/// Writes that the database was adopted. The journal must be there.
pub async fn record(session: &Session, state: &AdoptedState, tool: &str) -> Result<(), JournalError> {
    let insert = "INSERT INTO trueup.adoption (schemas, objects, fingerprint, server_version, tool) \
                  VALUES ($1, $2, $3, pg_catalog.current_setting('server_version_num')::pg_catalog.int4, $4)";
    let AdoptedState { schemas, objects, fingerprint } = state;
    let schemas: Vec<&String> = schemas.iter().collect();
    let body = serde_json::json!({ "state": state, "tool": tool });
    let written = async {
        session.client().execute(insert, &[&schemas, objects, &fingerprint.as_str(), &tool]).await?;
        entry::add(session, "adoption", &body).await
    };
    together(session, written).await
}

/// Every adoption, the oldest first.
pub async fn adoptions(session: &Session) -> Result<Vec<Adoption>, JournalError> {
    if layout(session).await?.is_none_or(|layout| layout < 2) {
        return Ok(Vec::new());
    }
    let query = format!(
        "SELECT id, \
                        {adopted}, \
                        schemas, objects, fingerprint, server_version, tool, role \
                 FROM trueup.adoption ORDER BY id",
        adopted = utc("adopted")
    );
    let rows = session.client().query(&query, &[]).await?;
    rows.iter()
        .map(|row| {
            let fingerprint: String = row.try_get(4)?;
            Ok(Adoption {
                id: row.try_get(0)?,
                adopted: timestamp(row.try_get(1)?)?,
                state: AdoptedState {
                    schemas: row.try_get::<_, Vec<String>>(2)?.into_iter().collect(),
                    objects: row.try_get(3)?,
                    fingerprint: fingerprint
                        .parse()
                        .map_err(|_| JournalError::Content { what: "fingerprint", value: fingerprint })?,
                },
                server_version: row.try_get(5)?,
                tool: row.try_get(6)?,
                role: row.try_get(7)?,
            })
        })
        .collect()
}
