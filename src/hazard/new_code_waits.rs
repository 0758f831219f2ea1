//! NEW_CODE_WAITS: code that is written for the schema after the plan fails until the step has run.

use super::{Case, Level, Rule, Side, only_catalogs_tell};
use crate::{
    kind::{Column, Object},
    name::{Kind, ObjectId},
    step::{Operation, Verb},
};

pub(super) const RULE: Rule = Rule {
    code: "NEW_CODE_WAITS",
    level: Level::Notice,
    about: Some(Side::NewCode),
    explanation: "Code that is written for the desired schema fails until this step has run: what it names is not there yet, is \
                  still something else, or is still refused. In contract that is what new code has to do without between the \
                  phases.",
    advice: "between the phases, run only code that does without it",
    find,
    offline: only_catalogs_tell,
};

fn find(case: &Case<'_>) -> Option<String> {
    if case.undo {
        return None;
    }
    let id = &case.step.object;
    if case.step.verb == Verb::Rename {
        // of what is renamed online the other name is there before: it goes in the same step
        let beside = case.step.run.operation == Operation::Swap;
        return (!beside)
            .then(|| format!("{}: code that uses the new name fails until then", case.step.summary));
    }
    let beside = case.step.verb == Verb::Create && case.object.after.is_none();
    match id.kind {
        // the other name of a column that is renamed online, and of a table
        Kind::Column if beside && !id.path.last().starts_with("trueup_") => {
            return Some(format!("code that uses {id} fails until then"));
        }
        Kind::View if beside => {
            return Some(format!(
                "code that uses {0} fails until then; until contract {0} is a view: no COPY into it, no TRUNCATE, no ON CONFLICT ON \
                 CONSTRAINT, no ctid, and no MERGE before PostgreSQL 17",
                id.sql()
            ));
        }
        _ => {}
    }
    let waits = |what: String| Some(format!("code that {what} fails until then"));
    match (case.object.before, case.object.after) {
        (None, Some(after)) if case.step.verb == Verb::Create && is_named_in_code(after) => {
            waits(format!("uses {id}"))
        }
        (Some(Object::Column(before)), Some(Object::Column(after))) => {
            of_column(id, before, after).and_then(waits)
        }
        (Some(Object::Column(column)), None) if case.is_refused_without_value(id, column) => {
            waits(format!("does not write {id}, which is NOT NULL and has no default,"))
        }
        (Some(Object::View(before)), Some(Object::View(after))) => {
            let more = after.columns.iter().any(|column| !before.columns.contains(column));
            if more { waits(format!("uses {id} as it will be")) } else { None }
        }
        (Some(Object::Function(before)), Some(Object::Function(after))) if before.result != after.result => {
            waits(format!("uses {id} as it will be"))
        }
        (Some(Object::Enum(before)), Some(Object::Enum(after))) => {
            let new = after.labels.iter().find(|label| !before.labels.contains(label))?;
            waits(format!("uses the label {new} of {id}"))
        }
        _ => None,
    }
}

/// What statements of an application name.
fn is_named_in_code(object: &Object) -> bool {
    matches!(
        object,
        Object::Schema(_)
            | Object::Extension(_)
            | Object::Enum(_)
            | Object::Domain(_)
            | Object::Composite(_)
            | Object::Range(_)
            | Object::Sequence(_)
            | Object::Table(_)
            | Object::Column(_)
            | Object::View(_)
            | Object::MaterializedView(_)
            | Object::Function(_)
            | Object::Aggregate(_)
            | Object::Operator(_)
            | Object::Default(_)
            | Object::DomainDefault(_)
    )
}

fn of_column(id: &ObjectId, before: &Column, after: &Column) -> Option<String> {
    if before.data_type != after.data_type {
        Some(format!("uses {id} as {}", after.data_type))
    } else if before.not_null && !after.not_null {
        Some(format!("writes NULL to {id}"))
    } else {
        None
    }
}
