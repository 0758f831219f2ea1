//! Indexes and keys of partitioned tables that go or are replaced: each partition has one of its own, and the whole's is
//! nothing but what they are attached to.
//!
//! Those of the partitions are built CONCURRENTLY under other names, before the old ones go, or before they come back; in
//! one transaction the old tree goes, the next ones get their names, and the whole's is made over them without reading a
//! row (PostgreSQL manual, "CREATE INDEX", ON ONLY; "ALTER INDEX", ATTACH PARTITION).

use std::collections::BTreeMap;

use super::{Context, Lowering, prebuilt::Prebuilt, with_relation};
use crate::{
    diff::{Change, How},
    graph::Unit,
    kind::{Constraint, Object},
    name::{Kind, ObjectId, Pair},
    sql::Sql,
    step::{Action, Verb, With},
};

impl Lowering<'_> {
    /// Drops the index or key of a partitioned table. None where a partition's cannot be built by itself.
    pub(super) fn drop_tree(&mut self, unit: &Unit, change: &Change) -> bool {
        let id = &unit.root;
        let Some(object) = change.object.before.as_ref().filter(|object| is_whole(object)) else {
            return false;
        };
        let leaves = self.leaves(unit);
        let old = |leaf: &ObjectId| {
            let object = match self.prebuilt.get(leaf) {
                Some(pair) => &pair.before,
                None => self.catalogs.before.objects.get(leaf)?,
            };
            Prebuilt::of(leaf, object, "old")
        };
        let Some(old) = leaves.iter().map(old).collect::<Option<Vec<Prebuilt>>>() else { return false };
        let unprepared: Vec<ObjectId> =
            leaves.iter().filter(|leaf| !self.prebuilt.contains_key(*leaf)).cloned().collect();
        let rest = unit.members.iter().filter(|member| !leaves.contains(member)).cloned();
        let mut rest = self.catalogs.before.only(&rest.collect());
        let leaves_out = || self.left_out.iter().any(|(_, index)| index == id);
        if self.has_new_partitions(id, object) && !leaves_out() {
            rest.objects.insert(id.clone(), over_all(object));
        }
        let plainly = Context { alone: true, ..self.context.clone() };
        let Ok(rest) = self.creation_within(&rest, &plainly) else { return false };
        // who writes by way of the whole locks that first
        let mode = if object.kind() == Kind::Index { "SHARE" } else { "ACCESS EXCLUSIVE" };
        let whole = table_of(id, object).map(|table| table.sql()).unwrap_or_default();
        let lock = Sql::new(format!("LOCK TABLE ONLY {whole} IN {mode} MODE"));
        let undo =
            [lock].into_iter().chain(old.iter().flat_map(|built| built.adopt.clone())).chain(rest).collect();
        let comes_back = change.how == How::Replace;
        if comes_back && !self.build_next(unit, &unprepared) {
            return false;
        }
        let verb = if comes_back { Verb::Replace } else { Verb::Drop };
        let summary = format!("drop {}", with_relation(id));
        let drop = Action::catalog(object.drop(id).into_statements());
        self.push(unit, verb, summary, drop, Action::catalog(undo));
        for (leaf, built) in leaves.iter().zip(old) {
            if unprepared.contains(leaf) {
                let what = format!("build the index of what was {}", with_relation(leaf));
                self.preparing(self.catalogs.before, leaf, |this| {
                    this.push_back(unit, Verb::Create, &built.id, &what, built.build, With::Previous);
                });
            }
        }
        if comes_back {
            self.returning.extend(unit.members.iter().cloned());
            for leaf in unprepared {
                let Some(change) = self.changes.get(&leaf) else { continue };
                if let Pair { before: Some(before), after: Some(after) } = &change.object {
                    self.prebuilt.insert(leaf, Pair::new(before.clone(), after.clone()));
                }
            }
        }
        true
    }

    /// Takes back the comments that PostgreSQL gives to the parts of a partitioned index when it builds that anew for another
    /// type of its column: copies of that index's own (tried: 15.20 does so, 18.4 does not).
    pub(super) fn uncomment_parts(&self, column: &ObjectId) -> Vec<Sql> {
        let catalog = self.catalogs.after;
        let comment = |id: &ObjectId| catalog.objects.contains_key(&ObjectId::about(Kind::Comment, id));
        let over = catalog
            .of_kind(Kind::Index)
            .map(|(id, _)| id)
            .filter(|id| comment(id) && catalog.needs_of(id).any(|need| need.to == *column))
            .filter(|id| self.state.has(id));
        let mut next: Vec<ObjectId> = over.cloned().collect();
        if next.is_empty() {
            return Vec::new();
        }
        let mut parts: BTreeMap<ObjectId, Vec<ObjectId>> = BTreeMap::new();
        for (id, object) in catalog.of_kind(Kind::IndexAttachment) {
            if let Object::IndexAttachment(attachment) = object {
                parts.entry(attachment.parent_id()).or_default().push(attachment.child(id));
            }
        }
        let mut statements = Vec::new();
        while let Some(parent) = next.pop() {
            for part in parts.remove(&parent).unwrap_or_default() {
                if part.kind == Kind::Index && !comment(&part) {
                    statements.push(Sql::new(format!("COMMENT ON INDEX {} IS NULL", part.sql())));
                }
                next.push(part);
            }
        }
        statements
    }

    /// Whether it is an index or key of a partitioned table that comes back over what was built in the partitions.
    pub(super) fn is_replaced_tree(&self, change: &Change) -> bool {
        change.how == How::Replace
            && change.object.after.as_ref().is_some_and(is_whole)
            && self.returning.contains(&change.id)
    }

    /// Builds what takes the places of these, if all of that can be built before.
    fn build_next(&mut self, unit: &Unit, leaves: &[ObjectId]) -> bool {
        let next = |leaf: &ObjectId| {
            let change = self.changes.get(leaf).filter(|change| change.how == How::Replace)?;
            let (before, after) = (change.object.before.as_ref()?, change.object.after.as_ref()?);
            let (old, new) = (table_of(leaf, before)?, table_of(leaf, after)?);
            let ready = old == new && self.existed(&new) && self.has_what_it_needs(leaf, &new);
            Some((leaf.clone(), Prebuilt::of(leaf, after, "new").filter(|_| ready)?))
        };
        let Some(next) = leaves.iter().map(next).collect::<Option<Vec<_>>>() else { return false };
        for (leaf, built) in next {
            let summary = format!("build the next {}", with_relation(&leaf));
            self.preparing(self.catalogs.after, &leaf, |this| {
                this.push_about(&built.id, unit, Verb::Create, summary, built.build, built.discard);
            });
        }
        true
    }

    /// Whether the plan has added partitions by now: each had an index of this one, and gets it again if all are built at once.
    fn has_new_partitions(&self, id: &ObjectId, object: &Object) -> bool {
        let Some(table) = table_of(id, object) else { return false };
        let parent = |id: &ObjectId| match self.state.object(id) {
            Some(Object::Attachment(attachment)) => {
                Some(ObjectId::new(Kind::Attachment, attachment.parent.clone()))
            }
            _ => None,
        };
        let there = self.state.objects(Kind::Attachment);
        let mut new = there.filter(|(id, _)| !self.catalogs.before.objects.contains_key(*id));
        new.any(|(id, _)| std::iter::successors(parent(id), &parent).any(|above| above.path == table.path))
    }

    /// The indexes and keys of partitions that go with the whole's.
    fn leaves(&self, unit: &Unit) -> Vec<ObjectId> {
        let is_leaf = |object: &Object| match object {
            Object::Index(index) => !index.partitioned,
            Object::Constraint(key) => key.has_index() && !key.lineage.partition,
            _ => false,
        };
        let there = |id: &&ObjectId| self.catalogs.before.objects.get(*id).is_some_and(is_leaf);
        unit.members.iter().filter(there).cloned().collect()
    }
}

/// Whether it is of a partitioned table.
fn is_whole(object: &Object) -> bool {
    match object {
        Object::Index(index) => index.partitioned,
        Object::Constraint(key @ Constraint { lineage, .. }) => key.has_index() && lineage.partition,
        _ => false,
    }
}

/// The same, built on all partitions at once: PostgreSQL attaches the indexes that exist, and reads no row for them.
fn over_all(object: &Object) -> Object {
    let mut object = object.clone();
    match &mut object {
        Object::Index(index) => index.partitioned = false,
        Object::Constraint(key) => key.lineage.partition = false,
        _ => {}
    }
    object
}

fn table_of(id: &ObjectId, object: &Object) -> Option<ObjectId> {
    match object {
        Object::Index(index) => Some(index.relation()),
        _ => id.relation().filter(|_| id.kind == Kind::Constraint),
    }
}
