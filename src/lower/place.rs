//! Drafts whose order does not follow from their group: those around the swap of converted columns in contract, and function
//! bodies that change together with a rename.

use std::{collections::BTreeSet, ops::Range};

use super::draft::Draft;
use crate::{
    diff::{Change, Changes, How},
    graph::Unit,
    kind::Object,
    name::ObjectId,
    step::{Phase, Verb},
};

/// Where a draft stands within its phase.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// Where its unit does.
    Unit,
    /// First of the swap, but behind the drops of views: readers lock a view before its tables.
    Opens,
    /// First of the swap's rollback, but behind the drops of views there.
    Closes,
    /// The rollback begins with it: behind the swap, and before the final drops.
    BeginsTheWayBack,
    /// The rollback needs it from its beginning: a drop within the swap that is moved behind it.
    GoesLast,
}

/// Puts drafts in the order of their phases, and those with a place there.
pub(super) fn in_place(
    mut drafts: Vec<Draft>,
    units: &[Unit],
    changes: &Changes,
    beside: &BTreeSet<ObjectId>,
) -> Vec<Draft> {
    // a recipe may end in a later phase than it begins in
    drafts.sort_by_key(|draft| draft.phase);
    around_the_exchange(&mut drafts, changes);
    bodies_behind_names(&mut drafts, units, changes, beside);
    drafts
}

fn around_the_exchange(drafts: &mut Vec<Draft>, changes: &Changes) {
    let mut of = |place| drafts.extract_if(.., |draft| draft.place == place).collect::<Vec<_>>();
    let (opens, closes, begins) = (of(Place::Opens), of(Place::Closes), of(Place::BeginsTheWayBack));
    let Range { start, end } = exchange(drafts, changes);
    let goes: Vec<Draft> = drafts.extract_if(start..end, |draft| draft.place == Place::GoesLast).collect();
    let end = end - goes.len();
    // who reads a view locks it before its tables: views have gone by then, there and on the way back
    let is_view = |draft: &&Draft| draft.object.kind.is_view();
    let within = &drafts[start..end];
    let gone = within.iter().take_while(is_view).count();
    let come =
        within.iter().rev().take_while(|draft| is_view(draft) || draft.object.target().is_some()).count();
    drafts.splice(end..end, begins.into_iter().chain(goes));
    drafts.splice(end - come..end - come, closes);
    drafts.splice(start + gone..start + gone, opens);
}

/// The swap: from the first to behind the last draft that drops or re-creates a dependent of converted columns.
fn exchange(drafts: &[Draft], changes: &Changes) -> Range<usize> {
    let of_it = |draft: &Draft| {
        let change = changes.get(&draft.object);
        draft.phase == Phase::Contract && change.is_some_and(|change| change.how == How::Replace)
    };
    let first = drafts.iter().position(of_it).unwrap_or(drafts.len());
    let last = drafts.iter().rposition(of_it).map_or(drafts.len(), |at| at + 1);
    first..last
}

/// The bodies of functions change where the columns and tables that they name get their names or types: in the same
/// transaction, so that no trigger runs in between whose body has the other name.
fn bodies_behind_names(
    drafts: &mut Vec<Draft>,
    units: &[Unit],
    changes: &Changes,
    beside: &BTreeSet<ObjectId>,
) {
    let names = |draft: &Draft| {
        draft.phase == Phase::Contract
            && matches!(draft.verb, Verb::Rename | Verb::Alter)
            && beside.contains(&draft.object)
            && !draft.run.sql.is_empty()
    };
    let Some(behind) = drafts.iter().rposition(names).map(|at| at + 1) else { return };
    let later: BTreeSet<usize> = drafts[behind..].iter().filter_map(|draft| draft.unit).collect();
    let is_free = |draft: &Draft| {
        let unit = draft.unit.and_then(|unit| units.get(unit));
        unit.is_none_or(|unit| unit.after.iter().all(|earlier| !later.contains(earlier)))
    };
    // in place: what its signature needs is there already
    let is_body = |draft: &Draft| match changes.get(&draft.object) {
        Some(Change { object, how: How::InPlace(_), .. }) => {
            matches!(&object.after, Some(Object::Function(function)) if !function.source.is_empty())
        }
        _ => false,
    };
    let bodies: Vec<Draft> = drafts.extract_if(behind.., |draft| is_body(draft) && is_free(draft)).collect();
    drafts.splice(behind..behind, bodies);
}
