//! The order of equal indexes and keys of partitioned tables. ATTACH PARTITION attaches to each index of the parent the first
//! matching one of the partition, both in the order of their creation. So a partition's indexes are created in the order of
//! the parent's, and those that are attached to none come last.

use super::Catalog;
use crate::{
    kind::Object,
    name::{Kind, ObjectId, Pair},
};

/// Whether an index or key is attached to none of a parent, and the position of the topmost parent's, else its own.
pub type Rank = (bool, i32);

/// The rank of an index or key of a partitioned table or a partition, as it was, else as it will be. None for others.
pub fn rank(catalogs: Pair<&Catalog>, id: &ObjectId) -> Option<Rank> {
    let Pair { before, after } = catalogs;
    let table = match after.objects.get(id).or_else(|| before.objects.get(id))? {
        Object::Index(index) => index.relation(),
        _ => id.relation()?,
    };
    let attachment = ObjectId { kind: Kind::Attachment, path: table.path.clone() };
    let in_tree =
        |catalog: &Catalog| catalog.is_partitioned(&table) || catalog.objects.contains_key(&attachment);
    if !in_tree(before) && !in_tree(after) {
        return None;
    }
    let parent = [after, before].into_iter().find_map(|catalog| catalog.topmost_parent(id));
    let at = parent.as_ref().unwrap_or(id);
    let position = [before, after].into_iter().find_map(|catalog| match catalog.objects.get(at)? {
        Object::Index(index) => Some(index.lineage.position),
        Object::Constraint(key) if key.has_index() => Some(key.lineage.position),
        _ => None,
    })?;
    Some((parent.is_none(), position))
}
