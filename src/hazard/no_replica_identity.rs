//! NO_REPLICA_IDENTITY: a table publishes updates and does not say which row was updated, so that it refuses them.

use super::{Case, Level, Rule, Side};
use crate::step::Unidentified;

pub(super) const RULE: Rule = Rule {
    code: "NO_REPLICA_IDENTITY",
    level: Level::Danger,
    about: Some(Side::OldCode),
    explanation: "PostgreSQL refuses UPDATE and DELETE of a table that publishes them and has no replica identity: neither a \
                  primary key, nor an index that ALTER TABLE … REPLICA IDENTITY USING INDEX names, nor REPLICA IDENTITY FULL; or \
                  the publication leaves out a column of it. Old code and new code fail alike. (PostgreSQL manual, \"Logical \
                  Replication\", \"Publication\".)",
    advice: "give the table a primary key or REPLICA IDENTITY in an earlier plan, or publish only inserts of it",
    find,
    offline: |plan| !plan.seen.unidentified.is_empty(),
};

fn find(case: &Case<'_>) -> Option<String> {
    let said = case.seen.unidentified.iter().map(|found| {
        let Unidentified { table, refused, publications, until } = found;
        let until = until.map(|step| format!(" until step {step}")).unwrap_or_default();
        format!("{refused} of {table} fail{until}: published by {publications}, without a replica identity")
    });
    let said: Vec<String> = said.collect();
    (!said.is_empty()).then(|| said.join("; "))
}
