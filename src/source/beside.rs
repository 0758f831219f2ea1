//! A second connection that reads in the snapshot of the first, where there is much to read: what limits reading is
//! one backend of the server that deparses and prints.

use std::time::Duration;

use tokio_postgres::SimpleQueryMessage;

use crate::{
    kind::Object,
    name::Kind,
    postgres::{ConnectError, Session, server_words},
    source::steady::SNAPSHOT,
};

/// What makes deparsed text the same everywhere, in one round trip. Compiling these queries takes longer than running
/// them.
const PIN: &str = "
SET search_path TO '';
SET datestyle TO 'ISO, YMD'; SET intervalstyle TO postgres; SET timezone TO 'UTC'; SET extra_float_digits TO 1;
SET bytea_output TO hex; SET quote_all_identifiers TO off; SET jit TO off";

const BEGIN: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";

/// From this size of `pg_class` in bytes, some five hundred tables, a second backend saves more than its start takes.
const MUCH: u32 = 1 << 20;

/// The kinds that the second connection reads: half of the work in a usual schema.
pub(super) const KINDS: &[Kind] =
    &[Kind::Column, Kind::Constraint, Kind::View, Kind::MaterializedView, Kind::Function, Kind::Trigger];

/// How long a second connection may take. A pooler might wait until the first one is done.
const PATIENCE: Duration = Duration::from_secs(2);

/// What there is to read, all of it in one snapshot.
pub(super) struct Beginning {
    /// The kinds that there may be objects of: most databases have few of them, and a query costs even where it finds
    /// nothing.
    pub kinds: Vec<Kind>,
    /// What another session has to run to be in the same snapshot as the same role, if there is enough to read for
    /// two.
    pub join: Option<String>,
    /// That snapshot, if a later one that is the same says that nothing was committed in between: on a standby it
    /// does not say so.
    pub snapshot: Option<String>,
}

/// Begins to read.
pub(super) async fn begin(session: &Session) -> Result<Beginning, tokio_postgres::Error> {
    let mut places = Object::ROWS.to_vec();
    places.sort_unstable();
    places.dedup();
    let exist = places.iter().map(|rows| exist(rows)).collect::<Vec<_>>().join(", ");
    let alone = format!("{PIN}; {BEGIN}; SELECT {exist}");
    let join = format!(
        "SELECT pg_catalog.format('SET SESSION AUTHORIZATION %L; SET ROLE %L; {BEGIN}; SET TRANSACTION SNAPSHOT %L', \
         session_user, pg_catalog.current_setting('role'), pg_catalog.pg_export_snapshot()), \
         CASE WHEN NOT pg_catalog.pg_is_in_recovery() THEN {SNAPSHOT} END \
         WHERE pg_catalog.pg_relation_size('pg_catalog.pg_class') > {MUCH}"
    );
    let client = session.client();
    let messages = match client.simple_query(&format!("{alone}; {join}")).await {
        Ok(messages) => messages,
        Err(error) if session.is_closed() => return Err(error),
        Err(error) => {
            tracing::debug!("no snapshot to share: {}", server_words(&error));
            client.simple_query(&format!("ROLLBACK; {alone}")).await?
        }
    };
    let mut rows = messages.iter().filter_map(|message| match message {
        SimpleQueryMessage::Row(row) => Some(row),
        _ => None,
    });
    let found = rows.next();
    let empty = |rows: &&str| {
        found.zip(places.binary_search(rows).ok()).is_some_and(|(found, at)| found.get(at) == Some("f"))
    };
    let kinds = Kind::ALL.iter().zip(Object::ROWS).filter(|(_, rows)| !empty(rows)).map(|(kind, _)| *kind);
    let kinds = kinds.collect();
    let much = rows.next();
    let join = much.and_then(|row| Some(format!("{PIN}; {}", row.get(0)?)));
    let snapshot = much.and_then(|row| row.get(1)).map(str::to_owned);
    Ok(Beginning { kinds, join, snapshot })
}

/// Whether there may be such rows. A catalog without a condition is empty in most databases: its size says so for less
/// than compiling a query takes.
fn exist(rows: &str) -> String {
    if rows.contains(" WHERE ") {
        format!("EXISTS (SELECT FROM pg_catalog.{rows})")
    } else {
        format!("pg_catalog.pg_relation_size('pg_catalog.{rows}') > 0")
    }
}

/// Another session in the same snapshot, if there can be one: the server may have no connection left, or be another
/// one behind the same address.
pub(super) async fn open(session: &Session, join: &str) -> Option<Session> {
    let opening = async {
        let sibling = session.sibling().await.map_err(Refused::Connection)?;
        sibling.client().batch_execute(join).await.map_err(Refused::Snapshot)?;
        Ok::<_, Refused>(sibling)
    };
    match tokio::time::timeout(PATIENCE, opening).await {
        Ok(Ok(sibling)) => return Some(sibling),
        Ok(Err(Refused::Connection(error))) => tracing::debug!("no second connection: {error}"),
        Ok(Err(Refused::Snapshot(error))) => {
            tracing::debug!("no second connection: {}", server_words(&error));
        }
        Err(_) => tracing::debug!("no second connection within {PATIENCE:?}"),
    }
    None
}

enum Refused {
    Connection(ConnectError),
    Snapshot(tokio_postgres::Error),
}
