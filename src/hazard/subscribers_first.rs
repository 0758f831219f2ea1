//! SUBSCRIBERS_FIRST: a published table gets a column, or one of another name or type, which subscribers must have before.

use std::collections::BTreeSet;

use super::{Case, Level, Rule, only_catalogs_tell};
use crate::{
    catalog::Catalog,
    kind::{Column, Object},
    name::{Kind, ObjectId},
    sql,
    step::{Phase, Verb},
};

pub(super) const RULE: Rule = Rule {
    code: "SUBSCRIBERS_FIRST",
    level: Level::Warning,
    about: None,
    explanation: "Logical replication carries rows by the names of their columns, and no DDL. A subscriber whose table has no \
                  column of that name, or one of a type that the values do not fit, stops at the first row, and keeps WAL on this \
                  server until it goes on. (PostgreSQL manual, 29.1.)",
    advice: "make the same change on every subscriber before the step; columns that only they have do no harm if they are nullable \
             or have a default",
    find,
    offline: only_catalogs_tell,
};

fn find(case: &Case<'_>) -> Option<String> {
    let id = &case.step.object;
    let table = id.relation().filter(|_| id.kind == Kind::Column)?;
    let sent = |column: &Column| column.generated.is_none();
    let comes = match (case.step.verb, case.object.before, case.object.after) {
        (Verb::Create | Verb::Rename | Verb::Replace, _, Some(Object::Column(column))) => sent(column),
        // a name that a column gets; one that it has beside another has come in expand
        (Verb::Create | Verb::Rename, None, None) => case.step.phase == Phase::Expand,
        (_, Some(Object::Column(before)), Some(Object::Column(after))) => {
            sent(after) && before.data_type != after.data_type
        }
        _ => false,
    };
    let publications = publications_of(&table, id.path.last(), case.catalogs.before);
    (comes && !publications.is_empty())
        .then(|| format!("{id} is published by {}: its subscribers need it first", publications.join(", ")))
}

/// The publications that carry a table's rows with this column.
fn publications_of(table: &ObjectId, column: &str, catalog: &Catalog) -> Vec<String> {
    let carries = |(id, object): (&ObjectId, &Object)| match object {
        Object::Publication(publication) if publication.all_tables => Some(id.sql()),
        Object::PublishedSchema(_) if id.path.part(0) == table.path.part(0) => {
            Some(sql::ident(id.path.last()))
        }
        Object::PublishedTable(published) if id.relation().as_ref() == Some(table) => {
            let all =
                published.columns.as_ref().is_none_or(|columns| columns.iter().any(|one| one == column));
            all.then(|| sql::ident(id.path.last()))
        }
        _ => None,
    };
    let kinds = [Kind::Publication, Kind::PublishedSchema, Kind::PublishedTable].into_iter();
    let found: BTreeSet<String> = kinds.flat_map(|kind| catalog.of_kind(kind)).filter_map(carries).collect();
    found.into_iter().collect()
}
