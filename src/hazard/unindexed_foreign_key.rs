//! UNINDEXED_FOREIGN_KEY: no index begins with a foreign key's columns.

use super::{Case, Level, Rule};
use crate::{
    kind::{Object, constraint::ConstraintType},
    sql,
};

pub(super) const RULE: Rule = Rule {
    code: "UNINDEXED_FOREIGN_KEY",
    level: Level::Notice,
    about: None,
    explanation: "Deleting or changing a referenced row scans the whole referencing table when no index begins with the \
                  foreign key's columns.",
    advice: "add an index on them, unless the referenced rows never change",
    find,
};

fn find(case: &Case<'_>) -> Option<String> {
    if case.undo || case.object.before.is_some() {
        return None;
    }
    let Some(Object::Constraint(constraint)) = case.object.after else { return None };
    if constraint.contype != ConstraintType::ForeignKey || case.step.verb == crate::step::Verb::Validate {
        return None;
    }
    let table = case.step.object.relation()?;
    let wanted: Vec<String> = constraint.columns.iter().map(|column| sql::ident(column)).collect();
    let covered = |columns: &[String]| {
        columns.len() >= wanted.len() && wanted.iter().all(|name| columns[..wanted.len()].contains(name))
    };
    let indexed = case.catalogs.after.objects.iter().any(|(id, object)| match object {
        Object::Index(index) if index.relation() == table => {
            let list = index.definition.split_once(" USING ").and_then(|(_, rest)| rest.split_once('('));
            let columns = list.and_then(|(_, rest)| rest.split_once(')')).map_or("", |(columns, _)| columns);
            covered(&columns.split(", ").map(str::to_owned).collect::<Vec<_>>())
        }
        Object::Constraint(key) if key.has_index() && id.relation().as_ref() == Some(&table) => {
            covered(&key.columns.iter().map(|column| sql::ident(column)).collect::<Vec<_>>())
        }
        _ => false,
    });
    (!indexed)
        .then(|| format!("no index begins with the columns of {}: {}", case.step.object, wanted.join(", ")))
}
