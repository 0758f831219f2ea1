//! Partitions that come to, or go from, a table in use: ATTACH reads the table that it attaches, and the default partition
//! beside it, while nobody may read or write them, unless a check that was proven under a weak lock says what the bounds
//! say (PostgreSQL manual, "ALTER TABLE", ATTACH PARTITION).

use std::collections::BTreeSet;

use super::{Context, Lowering, alter_table, draft::Undo, temporary_name, unproven::validate, with_relation};
use crate::{
    catalog::Catalog,
    diff::{Change, How},
    graph::{Act, Unit},
    kind::{Attachment, Definition, Object},
    name::{Kind, ObjectId, Pair},
    sql::{self, Sql},
    step::{Action, Verb, With},
};

/// A check that is there until the partition is attached.
struct Guard {
    check: ObjectId,
    condition: String,
    what: String,
    on_default: bool,
}

impl Guard {
    fn new(table: &ObjectId, partition: &ObjectId, condition: String, what: String) -> Self {
        let name = temporary_name(GUARD, partition);
        let check = ObjectId::new(Kind::Constraint, [table.path.part(0), table.path.part(1), &name]);
        let on_default = table.path != partition.path;
        Self { check, condition, what, on_default }
    }

    fn add(&self) -> Action {
        let check = format!("ADD CONSTRAINT {} CHECK ({}) NOT VALID", self.check.sql(), self.condition);
        Action::catalog(alter_table(&self.check, vec![check]))
    }

    fn validate(&self) -> Action {
        Action::validate(validate(&self.check, &self.check.sql()))
    }

    fn drop(&self, if_exists: &str) -> Action {
        Action::catalog(alter_table(
            &self.check,
            vec![format!("DROP CONSTRAINT {if_exists}{}", self.check.sql())],
        ))
    }

    fn refuse(&self) -> String {
        format!("refuse {}, not yet validated", self.what)
    }

    fn prove(&self) -> String {
        format!("validate that there are no {}", self.what)
    }
}

const GUARD: &str = "bound";

/// Whether it is a check of this recipe.
pub fn is_guard(id: &ObjectId) -> bool {
    let digest = id.path.last().strip_prefix("trueup_").and_then(|rest| rest.strip_prefix(GUARD));
    id.kind == Kind::Constraint && digest.is_some_and(|digest| digest.len() == 9 && digest.starts_with('_'))
}

impl Lowering<'_> {
    /// Marks the drafts of a unit, from this index on, that attach partitions: the bounds may run code of the database.
    pub(super) fn attach(&mut self, unit: &Unit, first: usize) {
        let back = unit.act == Act::Drop;
        let catalog = if back { self.catalogs.before } else { self.catalogs.after };
        let parents = unit.members.iter().filter_map(|id| match catalog.objects.get(id) {
            Some(Object::Attachment(attachment)) => {
                Some(ObjectId::new(Kind::Table, attachment.parent.clone()))
            }
            _ => None,
        });
        let parents: BTreeSet<ObjectId> = parents.collect();
        // one that goes may be detached before, in a step of its own
        let is = |id: &ObjectId| *id == unit.root || id.kind == Kind::Attachment && unit.members.contains(id);
        for draft in self.steps.iter_mut().skip(first).filter(|draft| is(&draft.object)) {
            match &mut draft.undo {
                Undo::By(undo) if back => undo.attaches(&parents),
                _ if back => {}
                _ => draft.run.attaches(&parents),
            }
        }
    }

    /// A table becomes a partition: first it is proven that its rows belong there, and that the default partition has none
    /// of them.
    pub(super) fn attach_proven(&mut self, unit: &Unit, change: &Change, attachment: &Attachment) -> bool {
        if change.how == How::Replace {
            return self.attach_moved(unit, attachment);
        }
        if change.how != How::Create {
            return false;
        }
        let guards = self.guards(&unit.root, attachment, self.catalogs.after);
        if guards.is_empty() {
            return false;
        }
        self.prove(unit, &guards);
        let sql = over(&guards, self.creation_of(unit));
        let summary = self.created(unit);
        self.push(unit, Verb::Create, summary, Action::bulk(sql), Undo::Derived);
        true
    }

    /// Proves what the bounds say, before it is attached or detached.
    fn prove(&mut self, unit: &Unit, guards: &[Guard]) {
        for guard in guards {
            // the last step has dropped it
            let undo = guard.drop("IF EXISTS ");
            self.push_about(&guard.check, unit, Verb::Create, guard.refuse(), guard.add(), undo);
        }
        for guard in guards {
            self.push_about(
                &guard.check,
                unit,
                Verb::Validate,
                guard.prove(),
                guard.validate(),
                Undo::Nothing,
            );
        }
    }

    /// The same where the way back attaches it: undone from the last one to the first.
    fn prove_on_the_way_back(&mut self, unit: &Unit, guards: &[Guard]) {
        for guard in guards {
            let (prove, validate) = (guard.prove(), guard.validate());
            self.push_back(unit, Verb::Validate, &guard.check, &prove, validate, With::Previous);
        }
        for guard in guards {
            self.push_back(unit, Verb::Create, &guard.check, &guard.refuse(), guard.add(), With::Previous);
        }
    }

    /// A partition gets other bounds, or another table: it is proven before that its rows belong there, and on the way back
    /// that they belong where they were.
    pub(super) fn detach_to_move(&mut self, unit: &Unit, change: &Change, old: &Attachment) -> bool {
        let (How::Replace, Some(Object::Attachment(new))) = (&change.how, &change.object.after) else {
            return false;
        };
        let Pair { before, after } = self.catalogs;
        let (back, there) = (self.guards(&unit.root, old, before), self.guards(&unit.root, new, after));
        let rest = unit.members.iter().filter(|member| **member != unit.root).cloned().collect();
        let plainly = Context { alone: true, ..self.context.clone() };
        let rest = self.creation_within(&before.only(&rest), &plainly);
        let Some(rest) = rest.ok().filter(|_| !there.is_empty() && !back.is_empty()) else { return false };
        self.prove(unit, &there);
        self.returning.insert(unit.root.clone());
        let attach = over(&back, old.create(&unit.root).into_statements().into_iter().chain(rest));
        let detach = Action::catalog(old.drop(&unit.root).into_statements());
        let summary = format!("drop {}", unit.root);
        self.push(unit, Verb::Replace, summary, detach, Action::bulk(attach));
        self.prove_on_the_way_back(unit, &back);
        true
    }

    /// It comes back where it belongs now.
    fn attach_moved(&mut self, unit: &Unit, attachment: &Attachment) -> bool {
        if !self.returning.contains(&unit.root) {
            return false;
        }
        let guards = self.guards(&unit.root, attachment, self.catalogs.after);
        let sql = over(&guards, self.creation_of(unit));
        let summary = self.created(unit);
        let undo = Action::catalog(attachment.drop(&unit.root).into_statements());
        self.push(unit, Verb::Replace, summary, Action::bulk(sql), undo);
        true
    }

    /// The step with this index takes partitions away, and is the last one: on the way back they are attached without a scan
    /// under a strong lock.
    pub(super) fn detach_proven(&mut self, unit: &Unit, at: usize) {
        if self.context.alone || unit.act != Act::Drop {
            return;
        }
        let goes = |id: &ObjectId| self.changes.get(id).is_some_and(|change| change.how == How::Drop);
        let attachments = unit.members.iter().filter(|id| goes(id)).filter_map(|id| {
            match self.catalogs.before.objects.get(id)? {
                Object::Attachment(attachment) => Some((id, attachment)),
                _ => None,
            }
        });
        let guards: Vec<Guard> = attachments
            .flat_map(|(id, attachment)| self.guards(id, attachment, self.catalogs.before))
            .collect();
        let Some(step) = self.steps.get_mut(at).filter(|_| !guards.is_empty()) else { return };
        let alone = step.run.sql.len() == 1;
        if let Undo::By(back) = &mut step.undo {
            back.sql = over(&guards, std::mem::take(&mut back.sql));
        }
        if let ([guard], Some(Object::Attachment(attachment))) =
            (&guards[..], self.catalogs.before.objects.get(&unit.root))
            && alone
            && self.detaches_concurrently(attachment)
        {
            let parent = ObjectId::new(Kind::Table, attachment.parent.clone());
            return self.detach_concurrently(unit, at, parent, guard);
        }
        self.prove_on_the_way_back(unit, &guards);
    }

    /// Drops a partition. It is detached first: dropping it would lock the whole, and wait for all who use that while
    /// nobody else may.
    pub(super) fn drop_detached(&mut self, unit: &Unit, table: &Object) -> bool {
        let before = self.catalogs.before;
        let id = ObjectId { kind: Kind::Attachment, path: unit.root.path.clone() };
        let Some(Object::Attachment(attachment)) = before.objects.get(&id) else { return false };
        let above = self.wholes(&unit.root);
        let refers = |object: &Object| match object {
            Object::Constraint(key) => key.references.as_ref().is_some_and(|to| above.contains(to)),
            _ => false,
        };
        let referred = || before.objects.values().any(refers);
        let left_out = self.leaves_out(unit);
        if left_out || !unit.members.contains(&id) || !self.detaches_concurrently(attachment) || referred() {
            return false;
        }
        // what it has as a partition only comes with that
        let as_partition = |id: &&ObjectId| {
            matches!(id.kind, Kind::Attachment | Kind::IndexAttachment | Kind::PartitionTrigger)
        };
        let (attached, alone): (BTreeSet<&ObjectId>, BTreeSet<&ObjectId>) =
            unit.members.iter().partition(as_partition);
        let context = Context { alone: true, ..self.context.clone() };
        let made = |ids: BTreeSet<&ObjectId>| {
            self.creation_within(&before.only(&ids.into_iter().cloned().collect()), &context)
        };
        let (Ok(mut attach), Ok(back)) = (made(attached), made(alone)) else { return false };
        attach.push(self.drop_other_checks(&unit.root));
        let parent = ObjectId::new(Kind::Table, attachment.parent.clone());
        let detach = Action::detach(parent, unit.root.clone());
        self.push_about(&id, unit, Verb::Drop, format!("detach {id}"), detach, Action::bulk(attach));
        let drop = Action::catalog(table.drop(&unit.root).into_statements());
        self.push(unit, Verb::Drop, format!("drop {}", unit.root), drop, Action::bulk(back));
        true
    }

    /// A table and what it is a partition of, and that in turn.
    fn wholes(&self, table: &ObjectId) -> BTreeSet<Vec<String>> {
        let mut found = BTreeSet::new();
        let mut next = Some(table.path.parts().to_vec());
        while let Some(path) = next.take().filter(|path| found.insert(path.clone())) {
            let attachment = ObjectId::new(Kind::Attachment, path);
            if let Some(Object::Attachment(attachment)) = self.catalogs.before.objects.get(&attachment) {
                next = Some(attachment.parent.clone());
            }
        }
        found
    }

    /// Drops the check that PostgreSQL leaves in a table that was detached CONCURRENTLY, under a name of its own choice.
    fn drop_other_checks(&self, table: &ObjectId) -> Sql {
        let known =
            self.catalogs.before.parts(Kind::Constraint, table).map(|(id, _)| sql::literal(id.path.last()));
        let known: Vec<String> = known.collect();
        let body = format!(
            "DECLARE\n    spare pg_catalog.name;\nBEGIN\n    \
             FOR spare IN SELECT conname FROM pg_catalog.pg_constraint\n        \
             WHERE conrelid OPERATOR(pg_catalog.=) {table}::pg_catalog.regclass AND contype OPERATOR(pg_catalog.=) 'c'\n        \
             AND conislocal AND coninhcount OPERATOR(pg_catalog.=) 0\n        \
             AND conname OPERATOR(pg_catalog.<>) ALL (ARRAY[{known}]::pg_catalog.name[])\n    LOOP\n        \
             EXECUTE pg_catalog.format('ALTER TABLE %s DROP CONSTRAINT %I', {table}, spare);\n    END LOOP;\nEND",
            table = sql::literal(&table.sql()),
            known = known.join(", "),
        );
        Sql::new(format!("DO {}", sql::dollar_quoted(&body)))
    }

    /// Whether PostgreSQL can: from 14 on, and not with a default partition beside it.
    fn detaches_concurrently(&self, attachment: &Attachment) -> bool {
        let Pair { before, after } = self.catalogs;
        let alone = [before, after].iter().all(|it| it.default_partition(&attachment.parent).is_none());
        self.context.major >= 14
            && alone
            && self.existed(&ObjectId::new(Kind::Table, attachment.parent.clone()))
    }

    /// The step with this index takes one partition away, which nobody has to wait for: not with a default partition
    /// beside it, and not in a transaction. PostgreSQL would leave a check that says what the bounds said, under a name of
    /// its own choice, if there were none; with this one it does not, and on the way back nothing is read.
    fn detach_concurrently(&mut self, unit: &Unit, at: usize, parent: ObjectId, guard: &Guard) {
        let mut detach = self.steps.split_off(at);
        for step in &mut detach {
            let partition = ObjectId { kind: Kind::Table, path: unit.root.path.clone() };
            step.run = Action::detach(parent.clone(), partition);
        }
        self.prove(unit, std::slice::from_ref(guard));
        self.steps.append(&mut detach);
        self.push_back(unit, Verb::Validate, &guard.check, &guard.prove(), guard.validate(), With::Next);
        let summary = format!("drop {}", with_relation(&guard.check));
        self.push_about(&guard.check, unit, Verb::Drop, summary, guard.drop(""), guard.add());
    }

    /// What would be read when the table is attached: itself, if it has been in use, and the default partition beside it.
    fn guards(&self, id: &ObjectId, attachment: &Attachment, catalog: &Catalog) -> Vec<Guard> {
        let Some(condition) = attachment.implied.condition() else { return Vec::new() };
        let table = ObjectId { kind: Kind::Table, path: id.path.clone() };
        let has_rows = |table: &ObjectId| {
            let there = self.catalogs.before.objects.get(table);
            self.existed(table) && matches!(there, Some(Object::Table(table)) if table.foreign.is_none())
        };
        let mut guards = Vec::new();
        if has_rows(&table) {
            let what = format!("rows in {table} that {} does not take", attachment.bound);
            guards.push(Guard::new(&table, id, condition.to_owned(), what));
        }
        let default = self.default_beside(id, attachment).filter(has_rows);
        if let Some((default, own)) = default.zip(own_condition(attachment, catalog)) {
            let what = format!("rows in {default} that belong in {table}");
            guards.push(Guard::new(&default, id, format!("NOT {own}"), what));
        }
        guards
    }

    /// The default partition of the same table, if it stays that.
    fn default_beside(&self, id: &ObjectId, attachment: &Attachment) -> Option<ObjectId> {
        let default = |catalog: &Catalog| catalog.default_partition(&attachment.parent);
        let there = default(self.catalogs.before).filter(|table| table.path != id.path)?;
        (default(self.catalogs.after).as_ref() == Some(&there)).then_some(there)
    }
}

/// Statements that attach, between what locks come first and the end of the checks that spare them the reading.
fn over(guards: &[Guard], attach: impl IntoIterator<Item = Sql>) -> Vec<Sql> {
    let mut all = first_the_partitions(guards);
    all.extend(attach);
    all.extend(guards.iter().flat_map(|guard| guard.drop("").sql));
    all
}

/// ATTACH locks the default partition and then the table. Who has prepared a statement when that table was a partition, too,
/// locks the default one last: in that order neither waits for the other.
fn first_the_partitions(guards: &[Guard]) -> Vec<Sql> {
    let partitions = guards.iter().filter(|guard| !guard.on_default && guards.iter().any(|it| it.on_default));
    let lock = |guard: &Guard| {
        Sql::new(format!("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE", guard.check.relation_sql()))
    };
    partitions.map(lock).collect()
}

/// What the bounds alone say, without those of the whole: PostgreSQL looks for that in the default partition.
fn own_condition(attachment: &Attachment, catalog: &Catalog) -> Option<String> {
    let condition = attachment.implied.condition()?;
    let parent = ObjectId { kind: Kind::Attachment, path: attachment.parent.clone().into() };
    let Some(Object::Attachment(parent)) = catalog.objects.get(&parent) else {
        return Some(condition.to_owned());
    };
    // a partition's condition begins with that of the whole, of one term or of several in parentheses
    let whole = parent.implied.condition()?;
    let terms = whole.strip_prefix('(').and_then(|terms| terms.strip_suffix(')'));
    let own = [Some(whole), terms]
        .into_iter()
        .flatten()
        .find_map(|whole| condition.strip_prefix(&format!("({whole} AND ")));
    own.map(|own| format!("({own}"))
}
