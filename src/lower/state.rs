//! The catalog as it stands between two units of a plan.

use std::collections::BTreeSet;

use crate::{
    catalog::Catalog,
    diff::Changes,
    graph::{Act, Unit},
    kind::Object,
    name::{Kind, ObjectId, Pair},
};

/// Which objects are still as before, and which are already as after.
#[derive(Debug, Clone)]
pub struct State<'a> {
    catalogs: Pair<&'a Catalog>,
    old: BTreeSet<ObjectId>,
    new: BTreeSet<ObjectId>,
}

impl<'a> State<'a> {
    /// Before the first unit.
    pub fn new(catalogs: Pair<&'a Catalog>) -> Self {
        Self { catalogs, old: catalogs.before.objects.keys().cloned().collect(), new: BTreeSet::new() }
    }

    /// After this unit.
    pub fn advance(&mut self, unit: &Unit, changes: &Changes) {
        for id in unit.members.iter().filter(|id| changes.contains_key(*id)) {
            self.old.remove(id);
            if unit.act == Act::Drop {
                self.new.remove(id);
            } else {
                self.new.insert(id.clone());
            }
        }
    }

    /// Whether an object still is what it was.
    pub fn is_as_before(&self, id: &ObjectId) -> bool {
        self.old.contains(id)
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
        self.old.contains(id) || self.new.contains(id)
    }

    /// The objects of one kind at this point.
    pub fn of_kind(&self, kind: Kind) -> Catalog {
        let mut catalog = Catalog::default();
        catalog.objects.extend(self.objects(kind).map(|(id, object)| (id.clone(), object.clone())));
        catalog
    }

    /// The same, to be looked at.
    pub fn objects(&self, kind: Kind) -> impl Iterator<Item = (&ObjectId, &Object)> {
        let sides = [(self.catalogs.before, &self.old), (self.catalogs.after, &self.new)];
        sides.into_iter().flat_map(move |(source, ids)| {
            let first = ObjectId { kind, path: Vec::new().into() };
            let here = ids.range(first..).take_while(move |id| id.kind == kind);
            here.filter_map(|id| source.objects.get_key_value(id))
        })
    }

    /// The whole catalog at this point.
    pub fn catalog(&self) -> Catalog {
        let mut catalog = Catalog::default();
        for (source, ids) in [(self.catalogs.before, &self.old), (self.catalogs.after, &self.new)] {
            let objects = source.objects.iter().filter(|(id, _)| ids.contains(*id));
            catalog
                .objects
                .extend(objects.map(|(id, object): (&ObjectId, &Object)| (id.clone(), object.clone())));
            let needs = source.needs.iter().filter(|need| ids.contains(&need.from) && self.has(&need.to));
            catalog.needs.extend(needs.cloned());
        }
        catalog
    }
}
