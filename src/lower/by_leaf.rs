//! Foreign keys of partitioned tables before PostgreSQL 18, which takes none of them as NOT VALID: every partition with rows
//! gets its own, NOT VALID and then validated, and the one of the whole takes them in without reading a row (PostgreSQL
//! manual, "ALTER TABLE", ATTACH PARTITION, for what it does with foreign keys that are there).

use super::{Lowering, alter_table, draft::Undo, unproven, with_relation};
use crate::{
    diff::{Change, How},
    graph::Unit,
    kind::{Constraint, Definition, Object},
    name::{Kind, ObjectId},
    step::{Action, Verb, With},
};

impl Lowering<'_> {
    /// What the partitions get before the whole does, or on the way back. None where another change is about which they are,
    /// and none where the whole's comes to take another's place, which nobody may see missing meanwhile.
    pub(super) fn of_leaves(&self, unit: &Unit, how: &How) -> Vec<ObjectId> {
        let replaced = self.changes.get(&unit.root).is_none_or(|change| change.how != *how);
        let family = self.family(&unit.root);
        let within = |object: &Option<Object>| {
            let Some(Object::Attachment(attachment)) = object else { return false };
            family.iter().any(|table| attachment.parent[..] == *table.path.parts())
        };
        // one that comes without rows is no matter
        let moves = |change: &Change| {
            let table = ObjectId { kind: Kind::Table, path: change.id.path.clone() };
            change.id.kind == Kind::Attachment
                && self.catalogs.before.objects.contains_key(&table)
                && (within(&change.object.before) || within(&change.object.after))
        };
        if replaced || self.changes.values().any(moves) {
            return Vec::new();
        }
        let of = |table: ObjectId| {
            ObjectId::new(Kind::Constraint, [table.path.part(0), table.path.part(1), unit.root.path.last()])
        };
        self.storing(&unit.root).into_iter().map(of).collect()
    }

    /// Each partition's, then that of the whole.
    pub(super) fn create_by_leaf(&mut self, unit: &Unit, key: &Constraint) -> bool {
        let leaves = self.of_leaves(unit, &How::Create);
        // a partition that has it, or something else of this name
        let taken = |id: &ObjectId| self.catalogs.before.objects.contains_key(id);
        if leaves.is_empty() || leaves.iter().any(taken) {
            return false;
        }
        for leaf in &leaves {
            let summary = format!("add {}, not yet validated", with_relation(leaf));
            self.push_about(leaf, unit, Verb::Create, summary, add(leaf, key), drop_if_there(leaf));
        }
        for leaf in &leaves {
            let summary = format!("validate {}", with_relation(leaf));
            self.push_about(leaf, unit, Verb::Validate, summary, prove(leaf), Undo::Nothing);
        }
        let summary = format!("add {}", with_relation(&unit.root));
        let sql = key.create(&unit.root).into_statements();
        let drop = Action::catalog(key.drop(&unit.root).into_statements());
        self.push(unit, Verb::Create, summary, Action::catalog(sql), drop);
        true
    }

    /// The step that was pushed last drops it; on the way back the partitions have theirs first.
    pub(super) fn back_by_leaf(&mut self, unit: &Unit, key: &Constraint, leaves: &[ObjectId]) {
        // undone from the last one to the first
        for leaf in leaves {
            let what = format!("validate {}", with_relation(leaf));
            self.push_back(unit, Verb::Validate, leaf, &what, prove(leaf), With::Previous);
        }
        for leaf in leaves {
            let what = format!("add {}, not yet validated", with_relation(leaf));
            self.push_back(unit, Verb::Create, leaf, &what, add(leaf, key), With::Previous);
        }
    }
}

fn add(leaf: &ObjectId, key: &Constraint) -> Action {
    let unproven = Constraint { validated: false, ..key.clone() };
    Action::catalog(unproven.create(leaf).into_statements())
}

fn prove(leaf: &ObjectId) -> Action {
    Action::validate(unproven::validate(leaf, &leaf.sql()))
}

/// That of the whole takes them along when it goes.
fn drop_if_there(leaf: &ObjectId) -> Action {
    Action::catalog(alter_table(leaf, vec![format!("DROP CONSTRAINT IF EXISTS {}", leaf.sql())]))
}
