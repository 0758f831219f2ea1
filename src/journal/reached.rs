//! What the database was when the last run came to its end: whatever differs from that was changed by somebody else.
//!
//! A run writes down what its plan is about, and leaves what it finds beside it as it was written before, so that a run
//! does not hide what others did. Another version of trueup or PostgreSQL may read or print the same objects in another
//! way: what it wrote is not compared, and replaced by the next run.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use tokio_postgres::Row;

use super::{JournalError, layout, timestamp, utc};
use crate::{
    catalog::{Catalog, Fingerprint},
    name::{Kind, ObjectId},
    plan::staleness::{Difference, How, ddl_of, diff_of},
    postgres::Session,
};

/// What is written down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reached {
    /// When a run came to its end last.
    pub at: Timestamp,
    /// The schemas of which everything is written down.
    schemas: BTreeSet<String>,
    objects: BTreeMap<ObjectId, (Fingerprint, String)>,
}

/// What is known of who wrote it.
struct Head {
    at: Timestamp,
    schemas: BTreeSet<String>,
    comparable: bool,
}

async fn head(session: &Session, tool: &str) -> Result<Option<Head>, JournalError> {
    let sql = format!(
        "SELECT {reached}, schemas, \
                      tool = $1 AND server_version / 10000 = pg_catalog.current_setting('server_version_num')::pg_catalog.int4 / 10000 \
               FROM trueup.reached_at",
        reached = utc("reached")
    );
    let row = session.client().query_opt(&sql, &[&tool]).await?;
    let head = |row: Row| {
        let schemas: Vec<String> = row.try_get(1)?;
        let at = timestamp(row.try_get(0)?)?;
        Ok(Head { at, schemas: schemas.into_iter().collect(), comparable: row.try_get(2)? })
    };
    row.map(head).transpose()
}

/// What was written down, if this version can compare with it.
pub async fn reached(session: &Session, tool: &str) -> Result<Option<Reached>, JournalError> {
    if layout(session).await?.is_none_or(|layout| layout < 8) {
        return Ok(None);
    }
    let Some(head) = head(session, tool).await?.filter(|head| head.comparable) else { return Ok(None) };
    let rows = session.client().query("SELECT object, fingerprint, ddl FROM trueup.reached", &[]).await?;
    let mut objects = BTreeMap::new();
    for row in rows {
        let (object, fingerprint): (&str, &str) = (row.try_get(0)?, row.try_get(1)?);
        let content = |what, value: &str| JournalError::Content { what, value: value.to_owned() };
        let id: ObjectId = object.parse().map_err(|_| content("object", object))?;
        let fingerprint = fingerprint.parse().map_err(|_| content("fingerprint", fingerprint))?;
        objects.insert(id, (fingerprint, row.try_get(2)?));
    }
    Ok(Some(Reached { at: head.at, schemas: head.schemas, objects }))
}

/// Writes down what these schemas are now: of those that are written down already only these objects, where it is said
/// which. The journal must be there.
pub async fn reach(
    session: &Session,
    live: &Catalog,
    schemas: &BTreeSet<String>,
    about: Option<&BTreeSet<ObjectId>>,
    tool: &str,
) -> Result<(), JournalError> {
    let known = head(session, tool).await?.filter(|head| head.comparable).map(|head| head.schemas);
    let anew: BTreeSet<&str> = match (&known, about) {
        (Some(known), Some(_)) => schemas.difference(known).map(String::as_str).collect(),
        _ => schemas.iter().map(String::as_str).collect(),
    };
    let about = about.filter(|_| known.is_some());
    let (mut names, mut homes, mut fingerprints, mut ddl) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (id, object) in &live.objects {
        let Some(schema) = id.schema() else { continue };
        let one = about.is_some_and(|about| about.contains(id)) && schemas.contains(schema);
        if one || anew.contains(schema) {
            names.push(id.to_string());
            homes.push(schema);
            fingerprints.push(object.fingerprint(id).as_str().to_owned());
            ddl.push(ddl_of(live, id));
        }
    }
    let gone: Vec<String> = about.into_iter().flatten().map(ToString::to_string).collect();
    let all: Vec<&String> =
        known.iter().flatten().chain(schemas).collect::<BTreeSet<_>>().into_iter().collect();
    let client = session.client();
    client.batch_execute("BEGIN").await?;
    let result = async {
        if known.is_none() {
            client.execute("DELETE FROM trueup.reached", &[]).await?;
        }
        let delete = "DELETE FROM trueup.reached WHERE schema = ANY ($1) OR object = ANY ($2)";
        client.execute(delete, &[&anew.iter().collect::<Vec<_>>(), &gone]).await?;
        let insert = "INSERT INTO trueup.reached (object, schema, fingerprint, ddl) \
                      SELECT * FROM ROWS FROM (pg_catalog.unnest($1::text[]), pg_catalog.unnest($2::text[]), \
                                               pg_catalog.unnest($3::text[]), pg_catalog.unnest($4::text[]))";
        client.execute(insert, &[&names, &homes, &fingerprints, &ddl]).await?;
        client.execute("DELETE FROM trueup.reached_at", &[]).await?;
        let head = "INSERT INTO trueup.reached_at (schemas, server_version, tool) \
                    VALUES ($1, pg_catalog.current_setting('server_version_num')::pg_catalog.int4, $2)";
        client.execute(head, &[&all, &tool]).await?;
        client.batch_execute("COMMIT").await
    }
    .await;
    if result.is_err() && !session.is_closed() {
        // the error is what counts
        let _ = client.batch_execute("ROLLBACK").await;
    }
    Ok(result?)
}

impl Reached {
    /// What of the managed schemas is not as it was left.
    pub fn differences(&self, live: &Catalog, ignored: impl Fn(&ObjectId) -> bool) -> Vec<Difference> {
        // who owns what is written down by plans that are about that only
        let owners = self.objects.keys().any(|id| id.kind == Kind::Owner);
        let covers = |id: &ObjectId| {
            id.schema().is_some_and(|schema| self.schemas.contains(schema))
                && (owners || id.kind != Kind::Owner)
                && !ignored(id)
        };
        let ids = self.objects.keys().chain(live.objects.keys()).filter(|id| covers(id));
        let mut differences = Vec::new();
        for id in ids.collect::<BTreeSet<_>>() {
            let expected = self.objects.get(id);
            let actual = live.fingerprint(id);
            let how = match (expected, &actual) {
                (Some((expected, _)), Some(actual)) if expected != actual => How::Changed,
                (Some(_), None) => How::Missing,
                (None, Some(_)) => How::Added,
                _ => continue,
            };
            let before = expected.map(|(_, ddl)| ddl.as_str()).unwrap_or_default();
            differences.push(Difference {
                object: id.clone(),
                how,
                expected: expected.map(|(fingerprint, _)| fingerprint.clone()),
                diff: diff_of(before, &ddl_of(live, id)),
                actual,
            });
        }
        differences
    }
}
