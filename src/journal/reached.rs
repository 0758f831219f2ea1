//! What the database was when the last run came to its end: whatever differs from that was changed by somebody else.
//!
//! A run writes down what its plan is about, and leaves what it finds beside it as it was written before, so that a run
//! does not hide what others did. Another version of trueup or PostgreSQL may read or print the same objects in another
//! way: what it wrote is not compared, and replaced by the next run.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use jiff::Timestamp;
use tokio_postgres::Row;

use super::{Direction, JournalError, direction, layout, phase, timestamp, utc};
use crate::{
    catalog::{Catalog, Fingerprint},
    journal_sql::PSQL,
    name::{Kind, ObjectId},
    plan::{
        FootprintEntry, from_text,
        staleness::{Difference, How, ddl_of, diff_of},
    },
    postgres::Session,
    step::Phase,
};

/// What is written down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reached {
    /// When a run came to its end last.
    pub at: Timestamp,
    /// The schemas of which everything is written down.
    schemas: BTreeSet<String>,
    objects: BTreeMap<ObjectId, (Fingerprint, String)>,
    scripted: Scripted,
}

/// What psql has made of objects since then, by scripts, as their plans say it: nobody read the database at their end. None:
/// the plan does not say it.
type Scripted = BTreeMap<ObjectId, Option<Expected>>;

/// What an object of a plan's footprint must be.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Expected {
    entry: FootprintEntry,
    /// The last phase that ran; None: all were undone.
    after: Option<Phase>,
}

impl Expected {
    fn fingerprint(&self) -> Option<&Fingerprint> {
        self.entry.expected(self.after)
    }

    fn is_in(&self, live: &Catalog) -> bool {
        self.fingerprint() == self.entry.actual(live).as_ref()
    }
}

/// What scripts have made of objects since `trueup.reached` was written; and when the last of them came to its end. None: a plan
/// that one ran cannot be read, so that nothing can be compared.
async fn scripted(session: &Session) -> Result<Option<(Scripted, Option<Timestamp>)>, JournalError> {
    let sql = format!(
        "SELECT r.phase, r.direction, {finished}, p.body FROM trueup.run r LEFT JOIN trueup.plan p ON p.digest = r.plan \
          WHERE r.outcome = 'done' AND pg_catalog.starts_with(r.tool, $1) \
            AND r.finished > (SELECT at.reached FROM trueup.reached_at at) ORDER BY r.id",
        finished = utc("r.finished")
    );
    let (mut scripted, mut last) = (Scripted::new(), None);
    for row in session.client().query(&sql, &[&PSQL]).await? {
        let (phase, direction) = (phase(&row, 0)?, direction(&row, 1)?);
        let body: Option<&str> = row.try_get(3)?;
        let Some(plan) = body.and_then(|body| from_text(Path::new("trueup.plan"), body).ok()) else {
            return Ok(None);
        };
        let after = match direction {
            Direction::Apply => Some(phase),
            Direction::Rollback => plan.phases().into_iter().rfind(|earlier| *earlier < phase),
        };
        scripted.extend(plan.steps.iter().map(|step| (step.object.clone(), None)));
        let known = plan.footprint.into_iter().filter(|entry| !entry.independent);
        scripted.extend(known.map(|entry| (entry.object.clone(), Some(Expected { entry, after }))));
        last = Some(timestamp(row.try_get(2)?)?);
    }
    Ok(Some((scripted, last)))
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
    let Some((scripted, last)) = scripted(session).await? else { return Ok(None) };
    Ok(Some(Reached { at: last.unwrap_or(head.at), schemas: head.schemas, objects, scripted }))
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
    // what psql did meanwhile is taken as it is, where it is what its plan says
    let scripted = if about.is_some() { scripted(session).await? } else { None };
    let scripted = scripted.map(|(scripted, _)| scripted).unwrap_or_default().into_iter();
    let as_planned =
        scripted.filter(|(_, expected)| expected.as_ref().is_none_or(|expected| expected.is_in(live)));
    let as_planned: BTreeSet<ObjectId> = as_planned.map(|(id, _)| id).collect();
    let (mut names, mut homes, mut fingerprints, mut ddl) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (id, object) in &live.objects {
        let Some(schema) = id.schema() else { continue };
        let one = about.is_some_and(|about| about.contains(id)) && schemas.contains(schema);
        let by_psql = as_planned.contains(id) && known.as_ref().is_some_and(|known| known.contains(schema));
        if one || by_psql || anew.contains(schema) {
            names.push(id.to_string());
            homes.push(schema);
            fingerprints.push(object.fingerprint(id).as_str().to_owned());
            ddl.push(ddl_of(live, id));
        }
    }
    let gone: Vec<String> = about.into_iter().flatten().chain(&as_planned).map(ToString::to_string).collect();
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
        let ids = self.objects.keys().chain(self.scripted.keys()).chain(live.objects.keys());
        let ids = ids.filter(|id| covers(id));
        let mut differences = Vec::new();
        for id in ids.collect::<BTreeSet<_>>() {
            let left = self.objects.get(id).map(|(fingerprint, ddl)| (fingerprint, ddl.as_str()));
            let (expected, actual) = match self.scripted.get(id) {
                None => (left, live.fingerprint(id)),
                Some(Some(scripted)) => {
                    (scripted.fingerprint().map(|it| (it, "")), scripted.entry.actual(live))
                }
                Some(None) => continue,
            };
            let how = match (expected, &actual) {
                (Some((expected, _)), Some(actual)) if expected != actual => How::Changed,
                (Some(_), None) => How::Missing,
                (None, Some(_)) => How::Added,
                _ => continue,
            };
            let before = expected.map(|(_, ddl)| ddl).unwrap_or_default();
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
