//! Tables that become logged or unlogged together: what is logged refers to nothing that is not, so that of two that refer
//! to each other neither can go first. A foreign key of the circle goes before and comes back after.

use std::collections::{BTreeMap, BTreeSet};

use super::{Change, Changes, How};
use crate::{
    catalog::Catalog,
    kind::Object,
    name::{ObjectId, Pair},
};

/// The foreign keys that stay as they are and close a circle of such tables.
pub(super) fn circles(catalogs: Pair<&Catalog>, changes: &Changes) -> BTreeMap<ObjectId, Change> {
    let flips: BTreeSet<&[String]> = changes.values().filter_map(flipped).collect();
    let mut circles = BTreeMap::new();
    if flips.is_empty() {
        return circles;
    }
    let mut refers: BTreeMap<Vec<String>, BTreeSet<Vec<String>>> = BTreeMap::new();
    for (id, object) in &catalogs.before.objects {
        let Object::Constraint(key) = object else { continue };
        let (Some(used), Some(user)) = (&key.references, id.relation()) else { continue };
        let user = user.path.parts().to_vec();
        let both = flips.contains(&user[..]) && flips.contains(&used[..]) && user != *used;
        // a copy of another's key goes and comes with that
        if !both || changes.contains_key(id) || !key.lineage.parents.is_empty() {
            continue;
        }
        let Some(after) = catalogs.after.objects.get(id) else { continue };
        if reaches(&refers, used, &user) {
            let object = Pair::new(Some(object.clone()), Some(after.clone()));
            circles.insert(id.clone(), Change { id: id.clone(), object, how: How::Replace });
        } else {
            refers.entry(user).or_default().insert(used.clone());
        }
    }
    circles
}

fn flipped(change: &Change) -> Option<&[String]> {
    match (&change.object.before, &change.object.after) {
        (Some(Object::Table(old)), Some(Object::Table(new))) if old.unlogged != new.unlogged => {
            Some(change.id.path.parts())
        }
        _ => None,
    }
}

/// Whether one table refers to another one, directly or by way of others.
fn reaches(refers: &BTreeMap<Vec<String>, BTreeSet<Vec<String>>>, from: &[String], to: &[String]) -> bool {
    let mut seen: BTreeSet<&[String]> = BTreeSet::new();
    let mut next = vec![from];
    while let Some(table) = next.pop() {
        if table == to {
            return true;
        }
        if seen.insert(table) {
            next.extend(refers.get(table).into_iter().flatten().map(Vec::as_slice));
        }
    }
    false
}
