//! Columns that come with another value for every row, in a table that has none: that writes nothing anew. The same plan would
//! hold everybody up for as long as the table is big where it has rows: in another environment, or a week later.
//!
//! So it holds for an empty table only. That is looked at before anything is changed, and once more under the lock.

use super::data_check::counted;
use crate::{
    name::ObjectId,
    sql::{self, Sql},
};

/// What there must be none of, and the query that counts.
pub(super) fn rows(column: &ObjectId) -> (String, Sql) {
    let table = column.relation_sql();
    let what =
        format!("rows in table {table}, which was empty when this plan was made (plan again for {column})");
    (what, counted(&format!("SELECT 'ctid = ' || one.ctid::pg_catalog.text FROM {table} AS one")))
}

/// Locks the table, and fails where it has rows.
pub(super) fn proof(column: &ObjectId) -> [Sql; 2] {
    let table = column.relation_sql();
    let message = sql::literal(&format!("made for an empty table; {table} has rows here: plan again"));
    let body = format!(
        "BEGIN IF EXISTS (SELECT FROM {table}) THEN RAISE EXCEPTION USING ERRCODE = '55000', MESSAGE = {message}; END IF; END"
    );
    [
        Sql::new(format!("LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")),
        Sql::new(format!("DO {}", sql::dollar_quoted(&body))),
    ]
}
