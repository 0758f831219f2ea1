//! The settings that statements run under, equal in rehearsal and apply.
//!
//! A role or a database can carry settings of its own. Those that change what a statement means, or how long it
//! may take, are set to one value here; the time zone stays the database's, since `timestamptz '2020-01-01'` in a
//! plan means what it means there.

use tokio_postgres::error::SqlState;

use crate::postgres::Session;

/// Where statements run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// On a throwaway server.
    Rehearsal,
    /// On the target.
    Target,
}

/// For every session. `search_path = ''` leaves `pg_catalog` alone in it: statements are fully qualified.
const PINNED: &[(&str, &str)] = &[
    ("search_path", "''"),
    ("DateStyle", "'ISO, MDY'"),
    ("IntervalStyle", "'postgres'"),
    ("extra_float_digits", "1"),
    ("bytea_output", "'hex'"),
    ("xmloption", "'content'"),
    ("quote_all_identifiers", "off"),
    ("standard_conforming_strings", "on"),
    ("check_function_bodies", "off"),
    ("row_security", "off"),
    ("default_transaction_isolation", "'read committed'"),
    ("default_transaction_read_only", "off"),
    ("default_transaction_deferrable", "off"),
    ("client_min_messages", "'notice'"),
    ("lock_timeout", "0"),
    ("statement_timeout", "0"),
];

/// For sessions on the target: what was reported as done stays done, and a client that is gone is noticed.
const ON_TARGET: &[(&str, &str)] = &[
    ("synchronous_commit", "on"),
    ("idle_in_transaction_session_timeout", "'60s'"),
    ("tcp_keepalives_idle", "30"),
];

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

/// The statements that set them, but for what not every role may set.
pub(super) fn pinned(place: Place) -> String {
    let on_target = if place == Place::Target { ON_TARGET } else { &[] };
    let all: Vec<String> =
        PINNED.iter().chain(on_target).map(|(name, value)| format!("SET {name} TO {value}")).collect();
    all.join("; ")
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
