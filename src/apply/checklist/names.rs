//! Whether code of the database finds what it names.

use std::collections::BTreeSet;

use super::{super::ApplyError, Check};
use crate::{
    name::ObjectId,
    postgres::{Session, names::Looked},
    run, sql,
    step::Operation,
};

/// Where code of the database that the steps fire does not look for what it names, though it was written for that.
pub(super) async fn look<'a>(
    session: &Session,
    steps: impl Iterator<Item = (&'a ObjectId, &'a Operation)>,
) -> Result<Option<Check>, ApplyError> {
    const NAME: &str = "names";
    let relations: BTreeSet<String> = steps
        .filter(|(object, operation)| operation.runs_code() && object.relation().is_some())
        .map(|(object, _)| object.relation_sql())
        .collect();
    if relations.is_empty() {
        return Ok(None);
    }
    let mut found = BTreeSet::new();
    for relation in &relations {
        let Looked { role, left_out, .. } = run::path_of_code(session, relation)
            .await
            .map_err(|source| ApplyError::Query { what: "looking at its search_path", source })?;
        found.extend(
            left_out
                .iter()
                .map(|schema| format!("code of {} does not look into schema {schema}", sql::ident(&role))),
        );
    }
    if found.is_empty() {
        return Ok(Some(Check::pass(NAME, "code of the database finds names where its role's sessions do")));
    }
    let found: Vec<String> = found.into_iter().collect();
    Ok(Some(Check::warn(
        NAME,
        format!("{}: others can put something there", found.join("; ")),
        "see that triggers, checks and defaults name schemas, or REVOKE CREATE ON SCHEMA … FROM who is not that role",
    )))
}
