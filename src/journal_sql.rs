//! The journal's SQL that more than one of its writers runs: trueup on its session, and a plan's scripts in psql.
//!
//! Here are its tables, layout by layout, the statement that adds an entry to its chain, and the key of the lock that every
//! writer holds. What it means, and who may believe it, is in `journal`.
//!
//! Scripts of plans that lie in folders have it in them: what is changed here is another rendering of those
//! (`plan/script.rs`).

use std::collections::BTreeSet;

/// The layout that this version writes, and the newest it reads.
pub const LAYOUT: i32 = 9;

/// What makes each layout out of the one before.
pub const LAYOUTS: [&str; 9] = [
    include_str!("journal.sql"),
    include_str!("journal/adoption.sql"),
    include_str!("journal/backfill.sql"),
    include_str!("journal/plan.sql"),
    include_str!("journal/policy.sql"),
    include_str!("journal/backup.sql"),
    include_str!("journal/ended.sql"),
    include_str!("journal/reached.sql"),
    include_str!("journal/entry.sql"),
];

/// What is said of the schema.
pub const SCHEMA_COMMENT: &str = "COMMENT ON SCHEMA trueup IS 'trueup: the journal of schema changes'";

/// Every line that `shape.sql` may find, whatever the layout: `table: line`.
pub const SHAPE: &str = include_str!("journal/shape.txt");

/// How the tool of a run begins that psql ran by a script.
pub const PSQL: &str = "psql";

/// The key of the advisory lock, one for each database: `trueup` and a 1, as bytes.
pub const LOCK_KEY: i64 = 0x7472_7565_7570_0001;

/// What the first entry has as the hash of the one before.
pub const NOTHING: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// The tables that are believed.
pub fn tables() -> BTreeSet<&'static str> {
    SHAPE.lines().filter_map(|line| Some(line.split_once(": ")?.0)).collect()
}

/// All tables, in a schema that exists and has none.
pub fn create() -> String {
    LAYOUTS.concat() + &own()
}

/// Takes away what default privileges gave of a journal that was just made.
fn own() -> String {
    of_tables(include_str!("journal/own.sql"))
}

/// A script about each of the tables.
pub fn of_tables(text: &str) -> String {
    let tables = tables().into_iter().collect::<Vec<_>>().join(" ");
    text.replace("$tables", &tables).replace("$revoke", include_str!("journal/revoke.sql").trim_end())
}

/// A time as text that is read back alike, whatever the session's settings.
pub fn utc(column: &str) -> String {
    format!("pg_catalog.to_char({column} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')")
}

/// Adds an entry of the kind $1 with the body $2, unless somebody else's came between: then it is to run again.
pub fn add_entry() -> String {
    format!(
        "INSERT INTO trueup.entry (id, written, kind, body, role, previous, hash)
         SELECT next.id, next.written, $1::pg_catalog.text, $2::pg_catalog.text, SESSION_USER, next.previous,
                pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(pg_catalog.concat_ws(E'\\n', next.previous, next.id,
                  {written}, $1::pg_catalog.text, $2::pg_catalog.text, SESSION_USER), 'UTF8')), 'hex')
         FROM (SELECT COALESCE(pg_catalog.max(e.id), 0) + 1 AS id, pg_catalog.clock_timestamp() AS written,
                      COALESCE((SELECT last.hash FROM trueup.entry AS last ORDER BY last.id DESC LIMIT 1),
                               '{NOTHING}') AS previous
               FROM trueup.entry AS e) AS next
         ON CONFLICT DO NOTHING",
        written = utc("next.written")
    )
}
