//! Which copies of a check that is NOT VALID partitions have validated: PostgreSQL does where the partition came after
//! the check. In which order that was, SQL whose order means nothing cannot say.

use crate::{
    catalog::Catalog,
    kind::{Constraint, Object},
    name::ObjectId,
};

/// Leaves as they are those that live has validated.
pub(super) fn keep(live: &Catalog, wanted: &mut Catalog) {
    let kept: Vec<ObjectId> =
        wanted.objects.keys().filter(|id| is_proven_copy(live, wanted, id)).cloned().collect();
    for id in kept {
        if let Some(Object::Constraint(copy)) = wanted.objects.get_mut(&id) {
            copy.validated = true;
        }
    }
}

fn is_proven_copy(live: &Catalog, wanted: &Catalog, id: &ObjectId) -> bool {
    let constraint = |catalog: &Catalog| match catalog.objects.get(id) {
        Some(Object::Constraint(constraint)) => Some(constraint.clone()),
        _ => None,
    };
    let is_copy = |check: &Constraint| check.lineage.inherited && check.lineage.partition;
    let Some(there) = constraint(wanted).filter(|check| is_copy(check) && !check.validated) else {
        return false;
    };
    constraint(live)
        .is_some_and(|here| is_copy(&here) && here == Constraint { validated: true, ..there.clone() })
        && there.lineage.in_parents(id).all(|whole| {
            live.objects.get(&whole).is_some_and(|here| wanted.objects.get(&whole) == Some(here))
                || is_proven_copy(live, wanted, &whole)
        })
}
