//! What goes and comes back within one transaction, and what cannot be in it: what is built or proven before, and what the
//! way back builds or proves before it.

use std::collections::BTreeSet;

use super::{batch::Missing, draft::Draft};
use crate::{
    diff::Changes,
    name::{Kind, ObjectId},
};

/// Objects that are missing for a moment.
pub(super) struct Moment {
    pub members: BTreeSet<ObjectId>,
    /// What stands before it.
    pub front: Vec<Draft>,
    /// What the way back begins with.
    pub back: Vec<Draft>,
}

/// Has all of it come back at once, with what stands before and behind it where nothing is missing.
pub(super) fn finish(moments: Vec<Moment>, steps: &mut Vec<Draft>, changes: &Changes) {
    for Moment { members, front, back } in moments {
        let attaches =
            |step: &mut Draft| step.object.kind == Kind::IndexAttachment && members.contains(&step.object);
        let attached: Vec<Draft> = steps.extract_if(.., attaches).collect();
        let is_member = |step: &Draft| members.contains(&step.object);
        let (Some(gone), Some(made)) = (steps.iter().position(is_member), steps.iter().rposition(is_member))
        else {
            continue;
        };
        let (behind, parts) = (made + 1, attached.len());
        steps.splice(behind..behind, attached);
        let whole = whole_places(steps, changes);
        let at = whole.iter().copied().find(|at| *at >= behind + parts).unwrap_or(steps.len());
        steps.splice(at..at, back);
        let at = whole.iter().copied().rfind(|at| *at <= gone).unwrap_or(gone);
        steps.splice(at..at, front);
    }
}

/// The places before which nothing is missing.
fn whole_places(steps: &[Draft], changes: &Changes) -> Vec<usize> {
    let mut missing = Missing::new(steps, changes);
    let mut places = Vec::new();
    for (at, step) in steps.iter().enumerate() {
        if missing.is_empty() {
            places.push(at);
        }
        missing.after(step, changes);
    }
    places
}
