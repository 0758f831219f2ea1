//! EXTENSION_STAYS: an extension that was updated is not taken back.

use super::{Case, Level, Rule};
use crate::{
    name::Kind,
    step::{Step, Verb},
};

pub(super) const RULE: Rule = Rule {
    code: "EXTENSION_STAYS",
    level: Level::Warning,
    about: None,
    explanation: "PostgreSQL updates extensions and has no way back: the undo leaves the new version.",
    advice: "read the extension's release notes, and have a backup of what uses it",
    find,
    offline: |plan| plan.undo && is_kept(plan.step),
};

fn find(case: &Case<'_>) -> Option<String> {
    (case.undo && is_kept(case.step)).then(|| format!("{} keeps its new version", case.step.object))
}

/// Whether it updates an extension, and nothing undoes that.
fn is_kept(step: &Step) -> bool {
    step.object.kind == Kind::Extension && step.verb == Verb::Alter && step.undo.is_nothing()
}
