//! A second connection that reads in the snapshot of the first, where there is much to read: what limits reading is
//! one backend of the server that deparses and prints.

use std::time::Duration;

use tokio_postgres::SimpleQueryMessage;

use crate::{
    name::Kind,
    postgres::{ConnectError, Session, server_words},
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

/// Begins to read. Returns what another session has to run to be in the same snapshot as the same role, if there is
/// enough to read for two.
pub(super) async fn begin(session: &Session) -> Result<Option<String>, tokio_postgres::Error> {
    let alone = format!("{PIN}; {BEGIN}");
    let join = format!(
        "SELECT pg_catalog.format('SET SESSION AUTHORIZATION %L; SET ROLE %L; {BEGIN}; SET TRANSACTION SNAPSHOT %L', \
         session_user, pg_catalog.current_setting('role'), pg_catalog.pg_export_snapshot()) \
         WHERE pg_catalog.pg_relation_size('pg_catalog.pg_class') > {MUCH}"
    );
    match session.client().simple_query(&format!("{alone}; {join}")).await {
        Ok(messages) => Ok(messages.iter().find_map(|message| match message {
            SimpleQueryMessage::Row(row) => Some(format!("{PIN}; {}", row.get(0)?)),
            _ => None,
        })),
        Err(error) if session.is_closed() => Err(error),
        Err(error) => {
            tracing::debug!("no snapshot to share: {}", server_words(&error));
            session.client().batch_execute(&format!("ROLLBACK; {alone}")).await?;
            Ok(None)
        }
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
