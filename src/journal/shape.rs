//! Whether the journal is one: before a table of it is read, pg_catalog is asked what it is.
//!
//! Who owns a schema can put a view, a trigger, a rule or a policy in the place of what trueup made, and what they call
//! runs with the rights of whoever reads or writes there. So all that the tables are has to be in `shape.txt`, and their
//! owner somebody whose code this role would run anyway: itself, a superuser, or who is named in trueup.toml.

use std::collections::BTreeSet;

use super::JournalError;
use crate::{
    journal_sql::{SHAPE, of_tables, tables},
    postgres::Session,
    sql,
};

/// Makes the journal that of the role, a superuser, and leaves the use of it to whose it was. To be called in a transaction, in
/// which only it can change the journal from then on; so what it is is looked at again.
pub(super) async fn take_over(session: &Session) -> Result<(), JournalError> {
    super::ddl(session, &of_tables(include_str!("hand_over.sql"))).await?;
    believe(session).await.map(drop)
}

/// Refuses a journal that is not what trueup made, or not of somebody who is believed. Returns the tables that there are: to
/// look again would be to see others.
pub(super) async fn believe(session: &Session) -> Result<BTreeSet<String>, JournalError> {
    let mut there = BTreeSet::new();
    let known: BTreeSet<&str> = SHAPE.lines().collect();
    let tables: Vec<&str> = tables().into_iter().collect();
    let believed: Vec<&String> = session.journal_owners().iter().collect();
    for row in session.client().query(include_str!("shape.sql"), &[&tables, &believed]).await? {
        let (table, line): (&str, &str) = (row.try_get(0)?, row.try_get(1)?);
        let name = if table.is_empty() {
            "schema trueup".to_owned()
        } else {
            format!("trueup.{}", sql::ident(table))
        };
        if let Some(owner) = row.try_get::<_, Option<String>>(2)? {
            return Err(JournalError::Owner { name, owner });
        }
        if !known.contains(format!("{table}: {line}").as_str()) {
            return Err(JournalError::NotOurs { name, what: line.to_owned() });
        }
        there.insert(table.to_owned());
    }
    Ok(there)
}
