//! FOREIGN_KEY_TYPES: a foreign key compares columns of different types.

use super::{Case, Level, Rule, only_catalogs_tell};
use crate::{
    kind::Object,
    name::{Kind, ObjectId},
};

pub(super) const RULE: Rule = Rule {
    code: "FOREIGN_KEY_TYPES",
    level: Level::Warning,
    about: None,
    explanation: "A foreign key's columns have other types than those they reference: values may not fit, and joins may not \
                  use indexes.",
    advice: "give both columns the same type",
    find,
    offline: only_catalogs_tell,
};

fn find(case: &Case<'_>) -> Option<String> {
    if case.undo || case.object.before.is_some() {
        return None;
    }
    let after = case.catalogs.after;
    // of its own step, or folded into that of its new table
    let step = &case.step.object;
    let own = after.objects.get_key_value(step).into_iter();
    let foreign_keys =
        own.chain(after.parts(Kind::Constraint, step)).filter_map(|(id, object)| match object {
            Object::Constraint(constraint) => {
                constraint.references.as_ref().map(|table| (id, constraint, table))
            }
            _ => None,
        });
    let mut found = Vec::new();
    for (id, constraint, table) in foreign_keys {
        for (own, other) in constraint.columns.iter().zip(&constraint.facts.referenced_columns) {
            let own = ObjectId::new(Kind::Column, [id.path.part(0), id.path.part(1), own]);
            let other = ObjectId::new(Kind::Column, [table.as_slice(), std::slice::from_ref(other)].concat());
            if let (Some(Object::Column(a)), Some(Object::Column(b))) =
                (after.objects.get(&own), after.objects.get(&other))
                && a.base_type != b.base_type
            {
                found.push(format!(
                    "{own} is {} and references {other}, which is {}",
                    a.data_type, b.data_type
                ));
            }
        }
    }
    (!found.is_empty()).then(|| found.join("; "))
}
