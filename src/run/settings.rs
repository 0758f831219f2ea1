//! The settings that statements run under, equal in rehearsal and apply.
//!
//! A role or a database can carry settings of its own. Those that change what a statement means, or how long it
//! may take, are set to one value here; the time zone stays the database's, since `timestamptz '2020-01-01'` in a
//! plan means what it means there.

use tokio_postgres::error::SqlState;

pub use crate::postgres::pinned::{Place, pinned};

use crate::postgres::Session;

/// What not every role may set, or not every server can.
const WHERE_POSSIBLE: &[(&str, &str)] =
    &[("lc_messages", "'C'"), ("client_connection_check_interval", "'1s'"), ("transaction_timeout", "0")];

/// Sets all of them on a session.
pub async fn pin(session: &Session, place: Place) -> Result<(), tokio_postgres::Error> {
    session.client().batch_execute(&pinned(place)).await?;
    if place == Place::Target {
        // reading the catalog sets one of its own
        session.client().batch_execute("RESET TimeZone").await?;
    }
    for (name, value) in WHERE_POSSIBLE {
        match session.client().batch_execute(&format!("SET {name} TO {value}")).await {
            Err(error) if !may_be_missing(&error) => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

fn may_be_missing(error: &tokio_postgres::Error) -> bool {
    let missing = [
        SqlState::INSUFFICIENT_PRIVILEGE,
        SqlState::UNDEFINED_OBJECT,
        SqlState::INVALID_PARAMETER_VALUE,
        SqlState::FEATURE_NOT_SUPPORTED,
    ];
    error.code().is_some_and(|code| missing.contains(code))
}
