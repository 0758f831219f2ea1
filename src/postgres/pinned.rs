//! The settings that statements run under, wherever that is: as text, for sessions and for scripts.

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

/// The statements that set them, but for what not every role may set.
pub fn pinned(place: Place) -> String {
    let on_target = if place == Place::Target { ON_TARGET } else { &[] };
    let all: Vec<String> =
        PINNED.iter().chain(on_target).map(|(name, value)| format!("SET {name} TO {value}")).collect();
    all.join("; ")
}
