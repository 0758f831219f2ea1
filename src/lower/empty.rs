//! Columns that come with another value for every row, in a table that has none: that writes nothing anew. The same plan would
//! hold everybody up for as long as the table is big where it has rows: in another environment, or a week later.
//!
//! So it holds for an empty table only: that is an assumption of the plan, and looked at once more under the lock.

use crate::{
    name::ObjectId,
    sql::{self, Sql},
};

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
