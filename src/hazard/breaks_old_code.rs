//! BREAKS_OLD_CODE: code that was written for the schema before the step stops working.

use super::{Case, Level, Rule, Side};
use crate::{
    kind::Object,
    name::Kind,
    step::{Step, Verb},
};

pub(super) const RULE: Rule = Rule {
    code: "BREAKS_OLD_CODE",
    level: Level::Danger,
    about: Some(Side::OldCode),
    explanation: "Statements of code that is still deployed fail from this step on: what they name is gone, or is \
                  something else.",
    advice: "deploy code that does without it first",
    find,
    offline: |plan| !plan.undo && breaks(plan.step),
};

fn find(case: &Case<'_>) -> Option<String> {
    if case.undo {
        return None;
    }
    let id = &case.step.object;
    if case.step.verb == Verb::Rename {
        return Some(format!("{}: code that uses the old name fails at once", case.step.summary));
    }
    let gone = |what: &str| Some(format!("code that uses {id} fails: it {what}"));
    match (case.object.before?, case.object.after) {
        (Object::View(before), Some(Object::View(after))) => {
            let lost: Vec<&String> =
                before.columns.iter().filter(|column| !after.columns.contains(column)).collect();
            let lost: Vec<&str> = lost.into_iter().map(String::as_str).collect();
            (!lost.is_empty()).then(|| format!("{id} loses or changes columns: {}", lost.join(", ")))
        }
        (Object::Column(before), Some(Object::Column(after)))
            if !compatible(&before.base_type, &after.base_type) =>
        {
            gone(&format!("changes from {} to {}", before.data_type, after.data_type))
        }
        (Object::Composite(before), Some(Object::Composite(after))) => {
            let lost: Vec<&str> = before.attributes_gone(after).collect();
            (!lost.is_empty()).then(|| format!("code that uses {id} fails: it loses {}", lost.join(", ")))
        }
        (Object::Function(before), Some(Object::Function(after))) if before.result != after.result => {
            gone("returns something else")
        }
        (
            Object::Table(_)
            | Object::Column(_)
            | Object::View(_)
            | Object::MaterializedView(_)
            | Object::Function(_)
            | Object::Aggregate(_)
            | Object::Operator(_)
            | Object::Cast(_)
            | Object::TextSearchConfiguration(_)
            | Object::TextSearchDictionary(_)
            | Object::ForeignServer(_)
            | Object::Schema(_)
            | Object::Extension(_)
            | Object::Enum(_)
            | Object::Domain(_)
            | Object::Composite(_)
            | Object::Range(_)
            | Object::Sequence(_),
            None,
        ) => gone("is dropped"),
        (Object::Default(_) | Object::DomainDefault(_), None) => gone("is no longer filled in by itself"),
        _ => None,
    }
}

/// Whether code that reads and writes one type goes on with the other: it gets no narrower and prints the same.
fn compatible(before: &str, after: &str) -> bool {
    const FAMILIES: [&[&str]; 3] = [
        &["character varying", "text"],
        &["smallint", "integer", "bigint", "numeric"],
        &["real", "double precision"],
    ];
    before == after
        || FAMILIES.iter().any(|family| {
            let place = |name: &str| family.iter().position(|known| *known == name);
            matches!((place(before), place(after)), (Some(old), Some(new)) if old < new)
        })
}

/// Whether it gives something another name, or takes away what code names.
fn breaks(step: &Step) -> bool {
    let is_named = matches!(
        step.object.kind,
        Kind::Table
            | Kind::Column
            | Kind::View
            | Kind::MaterializedView
            | Kind::Function
            | Kind::Aggregate
            | Kind::Operator
            | Kind::Cast
            | Kind::TextSearchConfiguration
            | Kind::TextSearchDictionary
            | Kind::ForeignServer
            | Kind::Schema
            | Kind::Extension
            | Kind::Enum
            | Kind::Domain
            | Kind::Composite
            | Kind::Range
            | Kind::Sequence
            | Kind::Default
            | Kind::DomainDefault
    );
    step.verb == Verb::Rename || step.verb == Verb::Drop && is_named
}
