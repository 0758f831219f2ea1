//! The catalog as it stands between two units of a plan.

use std::collections::BTreeSet;

use crate::{
    catalog::Catalog,
    diff::Changes,
    graph::{Act, Unit},
    kind::Object,
    name::{Kind, ObjectId, Pair},
};

/// Which objects are already as after, or gone; all others are still as before.
#[derive(Debug, Clone)]
pub struct State<'a> {
    catalogs: Pair<&'a Catalog>,
    left: BTreeSet<ObjectId>,
    new: BTreeSet<ObjectId>,
}

impl<'a> State<'a> {
    /// Before the first unit.
    pub fn new(catalogs: Pair<&'a Catalog>) -> Self {
        Self { catalogs, left: BTreeSet::new(), new: BTreeSet::new() }
    }

    /// After this unit.
    pub fn advance(&mut self, unit: &Unit, changes: &Changes) {
        for id in unit.members.iter().filter(|id| changes.contains_key(*id)) {
            self.left.insert(id.clone());
            if unit.act == Act::Drop {
                self.new.remove(id);
            } else {
                self.new.insert(id.clone());
            }
        }
    }

    /// The state of these objects alone, to go back to.
    #[must_use]
    pub fn of(&self, ids: &[ObjectId]) -> Self {
        let only = |all: &BTreeSet<ObjectId>| ids.iter().filter(|id| all.contains(*id)).cloned().collect();
        Self { catalogs: self.catalogs, left: only(&self.left), new: only(&self.new) }
    }

    /// The same, with these objects as they were in another state.
    #[must_use]
    pub fn with_those_of(&self, ids: &[ObjectId], other: &Self) -> Self {
        let mut state = self.clone();
        for id in ids {
            for (mine, others) in [(&mut state.left, &other.left), (&mut state.new, &other.new)] {
                if others.contains(id) {
                    mine.insert(id.clone());
                } else {
                    mine.remove(id);
                }
            }
        }
        state
    }

    /// Whether an object still is what it was.
    pub fn is_as_before(&self, id: &ObjectId) -> bool {
        self.catalogs.before.objects.contains_key(id) && !self.left.contains(id)
    }

    /// With these as they will be, too.
    #[must_use]
    pub fn with(&self, ids: &[ObjectId]) -> Self {
        let mut state = self.clone();
        state.new.extend(ids.iter().cloned());
        state
    }

    /// Whether there is such an object.
    pub fn has(&self, id: &ObjectId) -> bool {
        self.is_as_before(id) || self.new.contains(id)
    }

    /// What it is at this point.
    pub fn object(&self, id: &ObjectId) -> Option<&'a Object> {
        let Pair { before, after } = self.catalogs;
        let new = self.new.contains(id).then(|| after.objects.get(id)).flatten();
        new.or_else(|| before.objects.get(id).filter(|_| !self.left.contains(id)))
    }

    /// The objects of one kind at this point.
    pub fn of_kind(&self, kind: Kind) -> Catalog {
        let mut catalog = Catalog::default();
        catalog.objects.extend(self.objects(kind).map(|(id, object)| (id.clone(), object.clone())));
        catalog
    }

    /// The same, to be looked at.
    pub fn objects(&self, kind: Kind) -> impl Iterator<Item = (&ObjectId, &Object)> {
        let Pair { before, after } = self.catalogs;
        let first = ObjectId { kind, path: Vec::new().into() };
        let new = self.new.range(first..).take_while(move |id| id.kind == kind);
        let new = new.filter_map(|id| after.objects.get_key_value(id));
        let old = before.of_kind(kind);
        old.filter(|(id, _)| !self.left.contains(*id)).chain(new)
    }

    /// The catalog at this point, of these objects.
    pub fn catalog<'i>(&self, ids: impl IntoIterator<Item = &'i ObjectId>) -> Catalog {
        let Pair { before, after } = self.catalogs;
        let mut catalog = Catalog::default();
        for id in ids {
            let Some(object) = self.object(id) else { continue };
            catalog.objects.insert(id.clone(), object.clone());
            for (source, is) in [(before, self.is_as_before(id)), (after, self.new.contains(id))] {
                let needs = source.needs_of(id).filter(|need| is && self.has(&need.to));
                catalog.needs.extend(needs.cloned());
            }
        }
        catalog
    }
}
