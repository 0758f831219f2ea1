//! A part of a catalog that can be made by itself.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    catalog::Catalog,
    kind::Object,
    name::{Kind, ObjectId},
};

/// These objects and all that they need, and so on. Tables come whole, since texts name their columns in ways that hang
/// on what other columns there are, and as the partitions that they are; what is had from a parent with the parent's.
pub(super) fn with_needs<'c>(
    catalog: &'c Catalog,
    ids: impl Iterator<Item = &'c ObjectId>,
) -> BTreeSet<ObjectId> {
    let mut needs: BTreeMap<&ObjectId, Vec<&ObjectId>> = BTreeMap::new();
    for need in &catalog.needs {
        needs.entry(&need.from).or_default().push(&need.to);
    }
    let mut part = BTreeSet::new();
    let mut open: Vec<&ObjectId> = ids.collect();
    while let Some(id) = open.pop() {
        if !part.insert(id.clone()) {
            continue;
        }
        open.extend(needs.get(id).into_iter().flatten());
        if let Some(Object::Constraint(constraint)) = catalog.objects.get(id) {
            let above = constraint.lineage.in_parents(id);
            open.extend(above.filter_map(|above| Some(catalog.objects.get_key_value(&above)?.0)));
        }
        for kind in [Kind::Table, Kind::View, Kind::MaterializedView] {
            if let Some((whole, _)) = id
                .relation()
                .and_then(|relation| catalog.objects.get_key_value(&ObjectId { kind, path: relation.path }))
            {
                open.push(whole);
            }
        }
        if id.kind == Kind::Table {
            for kind in [Kind::Column, Kind::Attachment] {
                let first = ObjectId { kind, path: id.path.clone() };
                let inside =
                    |other: &&ObjectId| other.kind == kind && other.path.parts().starts_with(id.path.parts());
                open.extend(catalog.objects.range(first..).map(|(other, _)| other).take_while(inside));
            }
        }
    }
    part
}
