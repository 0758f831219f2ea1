//! Who changed the schema, where the database was asked to write that down: by event triggers, which fire whatever client it
//! was (PostgreSQL manual, chapter 40). Only a superuser may make them.

use jiff::Timestamp;
use serde::Serialize;
use tokio_postgres::error::SqlState;

use super::{JournalError, shape, timestamp, together, utc};
use crate::{
    name::ObjectId,
    postgres::{Session, names},
    sql,
};

/// A command that changed an object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Changed {
    /// When.
    pub happened: Timestamp,
    /// The role that the session had logged in as.
    pub role: String,
    /// What the client calls itself.
    pub application: String,
    /// Its address; none for a local one.
    pub client: Option<String>,
    /// `ALTER TABLE`.
    pub command: String,
    /// What PostgreSQL calls the object.
    pub object: String,
}

/// How much is written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audited {
    /// Nothing.
    No,
    /// Not everything: as by an earlier version, or with an event trigger disabled.
    Partly,
    /// Everything that event triggers see, whatever session_replication_role says.
    Yes,
}

/// Whether changes are written down.
pub async fn is_audited(session: &Session) -> Result<Audited, JournalError> {
    let sql = "SELECT pg_catalog.count(*), pg_catalog.count(*) FILTER (WHERE e.evtenabled = 'A') \
                 FROM pg_catalog.pg_event_trigger e WHERE e.evtfoid = pg_catalog.to_regprocedure('trueup.note_ddl()')";
    let row = session.client().query_one(sql, &[]).await?;
    Ok(match (row.try_get::<_, i64>(0)?, row.try_get::<_, i64>(1)?) {
        (0, _) => Audited::No,
        (2, 2) => Audited::Yes,
        _ => Audited::Partly,
    })
}

/// Whether the role may make event triggers: a superuser may, and whom a hosting provider lets.
pub async fn may_audit(session: &Session) -> Result<bool, JournalError> {
    let before = names::before_ddl(session).await?;
    let probe = format!(
        "BEGIN; {before}CREATE FUNCTION pg_temp.trueup_probe() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END'; \
         CREATE EVENT TRIGGER trueup_probe ON sql_drop EXECUTE FUNCTION pg_temp.trueup_probe()"
    );
    let may = session.client().batch_execute(&probe).await;
    session.client().batch_execute("ROLLBACK").await?;
    match may {
        Ok(()) => Ok(true),
        Err(error) if error.code() == Some(&SqlState::INSUFFICIENT_PRIVILEGE) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Has them written down from now on, and keeps what was. There must be a journal, which becomes the role's.
pub async fn audit(session: &Session) -> Result<(), JournalError> {
    let made = async {
        super::ddl(session, STOP).await?;
        shape::take_over(session).await?;
        Ok(session.client().batch_execute(include_str!("ddl.sql")).await?)
    };
    together(session, made).await
}

/// Has nothing written down any more, and forgets what was. The journal stays whose it is.
pub async fn stop_audit(session: &Session) -> Result<(), JournalError> {
    let script = format!("{STOP}; DROP TABLE IF EXISTS trueup.ddl_event");
    together(session, super::ddl(session, &script)).await
}

const STOP: &str = "\
DROP EVENT TRIGGER IF EXISTS trueup_ddl; DROP EVENT TRIGGER IF EXISTS trueup_drop; \
DROP FUNCTION IF EXISTS trueup.note_ddl()";

/// What was written down since then, the newest first; nothing where nothing is, or where the role may not read it.
pub async fn changed_since(session: &Session, since: Timestamp) -> Result<Vec<Changed>, JournalError> {
    if !shape::believe(session).await?.contains("ddl_event") {
        return Ok(Vec::new());
    }
    let readable = "SELECT COALESCE(pg_catalog.has_table_privilege(pg_catalog.to_regclass('trueup.ddl_event'), 'SELECT'), false)";
    if !session.client().query_one(readable, &[]).await?.try_get(0)? {
        return Ok(Vec::new());
    }
    let sql = format!(
        "SELECT {happened}, role, application, \
                      pg_catalog.host(client), command, object \
               FROM trueup.ddl_event WHERE happened > $1::text::timestamptz ORDER BY id DESC LIMIT 10000",
        happened = utc("happened")
    );
    let rows = session.client().query(&sql, &[&since.to_string()]).await?;
    rows.iter()
        .map(|row| {
            Ok(Changed {
                happened: timestamp(row.try_get(0)?)?,
                role: row.try_get(1)?,
                application: row.try_get(2)?,
                client: row.try_get(3)?,
                command: row.try_get(4)?,
                object: row.try_get(5)?,
            })
        })
        .collect()
}

impl Changed {
    /// Whether it was this object, or the relation that it is part of.
    pub fn concerns(&self, id: &ObjectId) -> bool {
        let target = id.target().unwrap_or_else(|| id.clone());
        let names = match target.relation() {
            Some(relation) => relation.path,
            None => target.path,
        };
        let name = sql::qualified(names.parts());
        let rest = self.object.strip_prefix(&name);
        // its columns and arguments; its triggers, policies and constraints
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '(']))
            || self.object.ends_with(&format!(" on {name}"))
    }
}
