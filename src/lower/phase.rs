//! When an act may run at the earliest: what old code needs goes in contract.

use crate::{
    diff::{Change, How},
    graph::Act,
    kind::Object,
    name::Kind,
    step::Phase,
};

/// The phase of one act, seen alone. What has to come after a contract step is contract, too: `graph` sees to that.
pub fn earliest(change: &Change, act: Act) -> Phase {
    let contract = match (act, &change.how) {
        (Act::Drop, How::Drop) => loses(change),
        (Act::Drop | Act::Create, How::Replace) => narrows(change),
        (Act::Alter, _) => tightens(change),
        _ => false,
    };
    if contract { Phase::Contract } else { Phase::Expand }
}

/// Whether old code may miss what is dropped.
fn loses(change: &Change) -> bool {
    match &change.object.before {
        // only loosens, or only helped
        Some(Object::Constraint(constraint)) => constraint.has_index(),
        Some(Object::Index(index)) => index.unique,
        Some(
            Object::Comment(_)
            | Object::Statistics(_)
            | Object::DomainConstraint(_)
            | Object::ToastOptions(_),
        ) => false,
        _ => true,
    }
}

/// Whether something of this kind may go before old code does.
pub fn may_go_in_expand(kind: Kind) -> bool {
    let loose = [Kind::Comment, Kind::Statistics, Kind::DomainConstraint, Kind::ToastOptions];
    loose.contains(&kind) || [Kind::Constraint, Kind::Index].contains(&kind)
}

/// Whether old code may miss something of what comes back.
fn narrows(change: &Change) -> bool {
    match (&change.object.before, &change.object.after) {
        (Some(Object::View(before)), Some(Object::View(after))) => {
            !before.columns.iter().all(|column| after.columns.contains(column))
        }
        _ => false,
    }
}

/// Whether old code may write what is refused from now on.
fn tightens(change: &Change) -> bool {
    match (&change.object.before, &change.object.after) {
        (Some(Object::Column(before)), Some(Object::Column(after))) => after.not_null && !before.not_null,
        // old code reads and writes what goes
        (Some(Object::Composite(before)), Some(Object::Composite(after))) => {
            before.attributes_gone(after).next().is_some()
        }
        _ => change.id.kind == Kind::SequenceOwner && change.object.after.is_none(),
    }
}
