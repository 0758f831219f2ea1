//! EXTENSION_STAYS: an extension that was updated is not taken back.

use super::{Case, Level, Rule};
use crate::{name::Kind, step::Verb};

pub(super) const RULE: Rule = Rule {
    code: "EXTENSION_STAYS",
    level: Level::Warning,
    about: None,
    explanation: "PostgreSQL updates extensions and has no way back: the undo leaves the new version.",
    advice: "read the extension's release notes, and have a backup of what uses it",
    find,
};

fn find(case: &Case<'_>) -> Option<String> {
    let update = case.step.object.kind == Kind::Extension
        && case.step.verb == Verb::Alter
        && case.step.undo.is_nothing();
    (update && case.undo).then(|| format!("{} keeps its new version", case.step.object))
}
