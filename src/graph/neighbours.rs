//! Which objects may have to do with each other at all: what one of them needs, directly or not, what is part of it, and what
//! has its name. What is said of a few objects can be worked out among their neighbours, however many others there are.

use std::collections::{BTreeMap, BTreeSet};

use petgraph::unionfind::UnionFind;

use crate::{
    catalog::Catalog,
    name::{Kind, ObjectId, Pair},
};

/// All objects of two catalogs, neighbours with neighbours.
#[derive(Debug, Default)]
pub struct Neighbours<'a> {
    group_of: BTreeMap<&'a ObjectId, usize>,
    groups: BTreeMap<usize, Vec<&'a ObjectId>>,
    /// What everything is in, or gets something from.
    everywhere: Vec<&'a ObjectId>,
}

impl<'a> Neighbours<'a> {
    /// Of these catalogs.
    pub fn new(catalogs: Pair<&'a Catalog>) -> Self {
        let Pair { before, after } = catalogs;
        let ids: BTreeSet<&ObjectId> = before.objects.keys().chain(after.objects.keys()).collect();
        let (everywhere, ids): (Vec<&ObjectId>, Vec<&ObjectId>) =
            ids.into_iter().partition(|id| is_everywhere(id.kind));
        let places: BTreeMap<&ObjectId, usize> = ids.iter().enumerate().map(|(at, id)| (*id, at)).collect();
        let mut sets = UnionFind::<usize>::new(ids.len());
        let mut named: BTreeMap<&[String], usize> = BTreeMap::new();
        for (at, id) in ids.iter().enumerate() {
            let parts = id.path.parts();
            let first = *named.entry(&parts[..parts.len().min(2)]).or_insert(at);
            sets.union(first, at);
            if let Some(target) = id.target().and_then(|target| places.get(&target).copied()) {
                sets.union(target, at);
            }
        }
        for need in before.needs.iter().chain(&after.needs) {
            if let (Some(from), Some(to)) = (places.get(&need.from), places.get(&need.to)) {
                sets.union(*from, *to);
            }
        }
        let group_of: BTreeMap<&ObjectId, usize> =
            places.into_iter().map(|(id, at)| (id, sets.find(at))).collect();
        let mut groups: BTreeMap<usize, Vec<&ObjectId>> = BTreeMap::new();
        for (id, group) in &group_of {
            groups.entry(*group).or_default().push(id);
        }
        Self { group_of, groups, everywhere }
    }

    /// These objects and all that may have to do with them.
    pub fn of<'s>(
        &'s self,
        ids: impl IntoIterator<Item = &'s ObjectId>,
    ) -> impl Iterator<Item = &'a ObjectId> {
        let groups: BTreeSet<usize> =
            ids.into_iter().filter_map(|id| self.group_of.get(id).copied()).collect();
        let near = groups.into_iter().filter_map(|group| self.groups.get(&group)).flatten();
        near.chain(&self.everywhere).copied()
    }
}

/// Whether it is no tie between two objects that both need it.
fn is_everywhere(kind: Kind) -> bool {
    matches!(kind, Kind::Schema | Kind::Extension | Kind::DefaultPrivileges)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        catalog::{Dependency, Strength},
        kind::{Comment, Object},
    };

    #[test]
    fn what_needs_each_other_or_has_one_name_is_near() {
        let id = |text: &str| -> ObjectId { text.parse().unwrap() };
        let ids = ["schema a", "table a.t", "column a.t.x", "view a.v", "table a.u", "column a.u.y"].map(id);
        let mut catalog = Catalog::default();
        for id in &ids {
            catalog
                .objects
                .insert(id.clone(), Object::Comment(Comment { text: String::new(), foreign: false }));
        }
        let need = |from: usize, to: usize| Dependency {
            from: ids[from].clone(),
            to: ids[to].clone(),
            strength: Strength::Hard,
        };
        catalog.needs.extend([need(3, 2), need(1, 0), need(4, 0)]);
        let near = Neighbours::new(Pair::new(&catalog, &catalog));
        let found: Vec<String> = near.of([&ids[3]]).map(ToString::to_string).collect();
        assert_eq!(found, ["table a.t", "column a.t.x", "view a.v", "schema a"]);
    }
}
