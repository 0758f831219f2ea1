//! CONVERTS_COLUMN: a column is exchanged for another one of another type.

use super::{Case, Level, Rule, only_catalogs_tell};
use crate::{
    diff::holds_rows,
    kind::Object,
    name::Kind,
    step::{Operation, Verb},
};

pub(super) const RULE: Rule = Rule {
    code: "CONVERTS_COLUMN",
    level: Level::Warning,
    about: None,
    explanation: "A column of the new type takes the place of the one of the old type, whose values are gone then: the way back \
                  computes them out of the new ones. The new column stands last in its table: INSERT and COPY without a list \
                  of columns put values elsewhere. While both unique indexes are there, INSERT … ON CONFLICT on the column \
                  can fail with a unique violation when two sessions insert the same key.",
    advice: "see to it that code lists the columns that it writes, and that back= in @convert gives the old values",
    find,
    offline: only_catalogs_tell,
};

fn find(case: &Case<'_>) -> Option<String> {
    let id = &case.step.object;
    let (Object::Column(old), Object::Column(new)) = (case.object.before?, case.object.after?) else {
        return None;
    };
    let exchanged =
        id.kind == Kind::Column && case.step.verb == Verb::Alter && old.data_type != new.data_type;
    let action = if case.undo { &case.step.undo } else { &case.step.run };
    (exchanged && action.operation == Operation::Swap && holds_rows(case.object.before?)).then(|| {
        format!(
            "{id} of type {} is another column than the one of type {} was, and stands last",
            new.data_type, old.data_type
        )
    })
}
