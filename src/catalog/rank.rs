//! The order of like indexes and keys of partitioned tables. ATTACH PARTITION takes for each of the whole's the first of the
//! partition's that fits, both as they were made: those that pair up come in the same order, and what is the partition's
//! own comes after them.

use super::Catalog;
use crate::{
    kind::Object,
    name::{Kind, ObjectId, Pair},
};

/// Where an index or key stands among those of its table: what is part of a whole's first, by where that stands.
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
    let whole = [after, before].into_iter().find_map(|catalog| catalog.outermost_whole(id));
    let at = whole.as_ref().unwrap_or(id);
    let position = [before, after].into_iter().find_map(|catalog| match catalog.objects.get(at)? {
        Object::Index(index) => Some(index.lineage.position),
        Object::Constraint(key) if key.has_index() => Some(key.lineage.position),
        _ => None,
    })?;
    Some((whole.is_none(), position))
}
