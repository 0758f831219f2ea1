//! UNINDEXED_FOREIGN_KEY: no index begins with a foreign key's columns.

use super::{Case, Level, Rule, only_catalogs_tell};
use crate::{
    kind::{Object, constraint::ConstraintType, index_body::IndexBody},
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
    offline: only_catalogs_tell,
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
    let wanted = &constraint.columns;
    let covered = |body: &IndexBody| {
        let leading: Vec<&str> = body.leading_columns().take(wanted.len()).collect();
        wanted.iter().all(|name| leading.contains(&name.as_str()))
    };
    let indexed = case.catalogs.after.objects.iter().any(|(id, object)| match object {
        Object::Index(index) if index.relation() == table => covered(&index.body),
        Object::Constraint(key) if id.relation().as_ref() == Some(&table) => {
            key.body().is_some_and(|body| covered(&body))
        }
        _ => false,
    });
    (!indexed).then(|| {
        let list = wanted.iter().map(|column| sql::ident(column)).collect::<Vec<_>>().join(", ");
        format!("no index begins with the columns of {}: {list}", case.step.object)
    })
}
