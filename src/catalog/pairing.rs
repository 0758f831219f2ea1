//! Which index or key of a table ATTACH PARTITION makes the part of which of the partitioned table's. Those that stay are
//! older than those that come, and PostgreSQL takes the oldest that fits: one that is to be the part of a later index may be
//! taken for an earlier one.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
};

use super::{Catalog, rank};
use crate::{
    kind::{Object, index_body::IndexBody},
    name::{Kind, ObjectId, Pair},
};

/// What an index or a key is over, to be compared: PostgreSQL attaches one to another that is over the same.
pub type Body<'o> = (bool, Cow<'o, IndexBody>);

/// The table of an index or key, and what it is over.
pub fn indexed<'o>(id: &'o ObjectId, object: &'o Object) -> Option<(&'o [String], Body<'o>)> {
    match object {
        Object::Index(index) => Some((&index.table, (index.unique, Cow::Borrowed(&index.body)))),
        Object::Constraint(key) if key.has_index() => Some((id.path.parts().get(..2)?, (true, key.body()?))),
        _ => None,
    }
}

fn position(catalog: &Catalog, id: &ObjectId) -> Option<i32> {
    match catalog.objects.get(id)? {
        Object::Index(index) => Some(index.lineage.position),
        Object::Constraint(key) => Some(key.lineage.position),
        _ => None,
    }
}

/// The indexes and keys of a catalog, by their tables.
#[derive(Debug)]
pub struct ByTable<'c> {
    catalog: &'c Catalog,
    tables: BTreeMap<&'c [String], Vec<(&'c ObjectId, Body<'c>)>>,
}

impl<'c> ByTable<'c> {
    /// Reads all of them once.
    pub fn new(catalog: &'c Catalog) -> Self {
        let mut tables: BTreeMap<&[String], Vec<_>> = BTreeMap::new();
        for (id, object) in catalog.of_kind(Kind::Index).chain(catalog.of_kind(Kind::Constraint)) {
            if let Some((table, body)) = indexed(id, object) {
                tables.entry(table).or_default().push((id, body));
            }
        }
        Self { catalog, tables }
    }

    /// The indexes and keys of a table that stay, but would be taken for the wrong index of the parent when the table is
    /// attached as it is here, in one of these catalogs: they have to come anew, behind those that come. `stays` says which
    /// are there all the time, in the order that live has.
    pub fn taken_too_early(
        &self,
        catalogs: Pair<&Catalog>,
        partition: &[String],
        stays: &dyn Fn(&ObjectId) -> bool,
    ) -> BTreeSet<ObjectId> {
        let mut again = BTreeSet::new();
        let table = ObjectId::new(Kind::Attachment, partition.to_vec());
        let Some(Object::Attachment(attachment)) = self.catalog.objects.get(&table) else { return again };
        let of = |table: &[String]| {
            let mut found = self.tables.get(table).cloned().unwrap_or_default();
            let place = |id: &ObjectId| stays(id).then(|| position(catalogs.before, id)).flatten();
            found.sort_by_cached_key(|(id, _)| {
                let place = place(id);
                (place.is_none(), place, rank(catalogs, id), position(self.catalog, id))
            });
            found
        };
        let (parents, mut own) = (of(&attachment.parent), of(partition));
        while let Some(early) = first_early(self.catalog, &parents, &own) {
            // one that comes stands where it belongs already
            if !stays(early) || !again.insert(early.clone()) {
                break;
            }
            let is_kept = |id: &ObjectId| stays(id) && !again.contains(id);
            let (kept, mut others): (Vec<_>, Vec<_>) = own.into_iter().partition(|(id, _)| is_kept(id));
            others.sort_by_cached_key(|(id, _)| (rank(catalogs, id), position(self.catalog, id)));
            own = kept.into_iter().chain(others).collect();
        }
        again
    }
}

/// The first of a table's indexes, in this order, that is attached to another one of the parent's than it should be.
fn first_early<'o>(
    catalog: &Catalog,
    parents: &[(&ObjectId, Body<'_>)],
    own: &[(&'o ObjectId, Body<'_>)],
) -> Option<&'o ObjectId> {
    let mut taken = BTreeSet::new();
    for (parent, body) in parents {
        let is_part = |id: &ObjectId| catalog.attachment_of(id).is_some_and(|it| it.parent_id() == **parent);
        // one that leaves the table out comes afterwards
        let Some((part, _)) = own.iter().find(|(id, _)| is_part(id)) else { continue };
        // what is behind a key has to be one as well
        let fits = |id: &ObjectId, other: &Body<'_>| {
            other == body && (parent.kind == Kind::Index || id.kind == Kind::Constraint)
        };
        let first = own.iter().find(|(id, other)| fits(id, other) && !taken.contains(id));
        match first {
            Some((first, _)) if first != part => return Some(first),
            Some((first, _)) => _ = taken.insert(*first),
            None => {}
        }
    }
    None
}
