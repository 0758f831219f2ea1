//! NOT NULL on a column in use: SET NOT NULL reads the table while nobody may read or write it, unless something that
//! was proven under a weak lock says that there is no NULL.

use std::collections::BTreeSet;

use super::{Lowering, alter_table, draft::Undo, temporary_name, unproven::validate, with_relation};
use crate::{
    diff::{Change, How},
    graph::Unit,
    kind::{Alter, Column, Definition, Object, not_null::NotNull},
    name::{Kind, ObjectId, Pair},
    sql::{self, Sql},
    step::{Action, Verb, With},
};

/// How a column comes to refuse NULL.
pub(super) enum Proof {
    /// By a check that is proven, and goes when NOT NULL is there.
    Check,
    /// By NOT NULL itself, added as NOT VALID (18 and later).
    Native(NotNull),
    /// It does already, and what is there is to be proven (18 and later).
    There(NotNull),
}

impl Lowering<'_> {
    /// The proof that an altered column needs, and what else changes about it.
    pub(super) fn proof(&self, unit: &Unit, change: &Change) -> Option<(Proof, Vec<Sql>)> {
        let (Some(Object::Column(before)), Some(Object::Column(after)), How::InPlace(ddl)) =
            (&change.object.before, &change.object.after, &change.how)
        else {
            return None;
        };
        let unproven = |column: &Column| column.not_null_as.clone().filter(|it| !it.validated);
        let in_use = !self.context.alone && self.relation_existed(&unit.root) && !after.facts.foreign;
        if !in_use || !after.not_null || unproven(after).is_some() {
            return None;
        }
        let rest = |refusing: Option<NotNull>| {
            let refusing = Column { not_null: true, not_null_as: refusing, ..before.clone() };
            match Column::alter(Pair::new(&refusing, after), &unit.root) {
                Alter::InPlace(ddl, _) => Some(self.in_place(unit, change, &ddl)),
                _ => None,
            }
        };
        match (unproven(before), after.refusal()) {
            (Some(constraint), _) => {
                let proven = NotNull { validated: true, ..constraint.clone() };
                let rest = rest(Some(proven))?;
                Some((Proof::There(constraint), rest))
            }
            (None, _) if before.not_null => None,
            (None, Some(constraint)) => {
                let rest = rest(after.not_null_as.clone())?;
                Some((Proof::Native(constraint), rest))
            }
            (None, None) => Some((Proof::Check, self.in_place(unit, change, ddl))),
        }
    }

    /// A column that takes NULL from now on and changes in nothing else: on the way back it refuses NULL without that
    /// the table is read under a strong lock.
    pub(super) fn accept_null(&mut self, unit: &Unit, change: &Change) -> bool {
        let id = &unit.root;
        let (Some(Object::Column(before)), Some(Object::Column(after)), How::InPlace(ddl)) =
            (&change.object.before, &change.object.after, &change.how)
        else {
            return false;
        };
        let in_use = !self.context.alone && self.relation_existed(id) && !after.facts.foreign;
        let proven = before.has_no_null();
        let (what, column) = (with_relation(id), id.sql());
        let accepting = ddl.clone().into_statements();
        let only_that = accepting == accept(id);
        if !in_use || !proven || after.not_null || !only_that {
            return false;
        }
        let kept = if self.accept_alone(id).is_some() { Vec::new() } else { self.proven_below(id) };
        for column in &kept {
            let (what, check) = (with_relation(column), check_id(column));
            let refuse = format!("refuse NULL in {what} by itself, not yet validated");
            let undo = Action::catalog(vec![drop_check(column)]);
            self.push_about(&check, unit, Verb::Create, refuse, Action::catalog(refusal(column)), undo);
            let prove = format!("validate that no row has NULL in {what}");
            let validate = Action::validate(validate(column, &check.sql()));
            self.push_about(&check, unit, Verb::Validate, prove, validate, Undo::Nothing);
        }
        let accepting = self.keep_refusing_below(id, Pair::new(before, after), accepting);
        let below = self.accept_null_below(id, id.path.last());
        let run = [accepting, below, kept.iter().map(drop_check).collect()].concat();
        let run = Action::catalog(run);
        let accept = format!("alter {what}");
        let prove = format!("validate that no row has NULL in {what}");
        let refuse = format!("refuse NULL in {what}, not yet validated");
        if let Some(constraint) = before.refusal() {
            let unproven = NotNull { validated: false, ..constraint.clone() };
            let validate = validate(id, &sql::ident(&constraint.name));
            self.push_back(unit, Verb::Validate, id, &prove, Action::validate(validate), With::Next);
            let add = alter_table(id, vec![unproven.addition_as(&constraint.name, &column)]);
            self.push(unit, Verb::Alter, accept, run, Action::catalog(add));
            return true;
        }
        let check = check_id(id);
        let name = check.sql();
        let undo = [format!("ALTER COLUMN {column} SET NOT NULL"), format!("DROP CONSTRAINT {name}")];
        let undo = undo.into_iter().flat_map(|clause| alter_table(id, vec![clause])).collect();
        self.push(unit, Verb::Alter, accept, run, Action::catalog(undo));
        let validate = validate(id, &name);
        self.push_back(unit, Verb::Validate, &check, &prove, Action::validate(validate), With::Previous);
        self.push_back(unit, Verb::Alter, &check, &refuse, Action::catalog(refusal(id)), With::Previous);
        true
    }

    /// The steps: refuse NULL from now on, prove that there is none, do the rest.
    pub(super) fn refuse_null(&mut self, unit: &Unit, proof: &Proof, mut rest: Vec<Sql>, rest_undo: Undo) {
        let id = &unit.root;
        let (what, column) = (with_relation(id), id.sql());
        let below = self.accept_null_below(id, id.path.last());
        let only_that = rest == alter_table(id, vec![format!("ALTER COLUMN {column} SET NOT NULL")]);
        let alone = only_that && self.accept_alone(id).is_some();
        let kept = if alone { Vec::new() } else { self.proven_below(id) };
        let refuse_below = self.refuse_below(id);
        let mut step = |verb, object: &ObjectId, summary: String, run, undo: Undo| {
            self.push_about(object, unit, verb, summary, run, undo);
        };
        let refuse = format!("refuse NULL in {what}, not yet validated");
        let prove = format!("validate that no row has NULL in {what}");
        let drop = format!("ALTER COLUMN {column} DROP NOT NULL");
        match proof {
            Proof::Check => {
                let check = check_id(id);
                let name = check.sql();
                let add = refusal(id);
                // the last step has dropped it
                let undo = std::iter::once(id).chain(&kept).map(drop_check).collect();
                step(Verb::Create, &check, refuse, Action::catalog(add), Action::catalog(undo).into());
                let validate = validate(id, &name);
                step(Verb::Validate, &check, prove, Action::validate(validate), Undo::Nothing);
                rest.extend(alter_table(id, vec![format!("DROP CONSTRAINT {name}")]));
            }
            Proof::Native(constraint) => {
                let unproven = NotNull { validated: false, ..constraint.clone() };
                let add = alter_table(id, vec![unproven.addition_as(&constraint.name, &column)]);
                let undo = [refuse_below, alter_table(id, vec![drop]), below].concat();
                step(Verb::Alter, id, refuse, Action::catalog(add), Action::catalog(undo).into());
                let validate = validate(id, &sql::ident(&constraint.name));
                step(Verb::Validate, id, prove, Action::validate(validate), Undo::Nothing);
            }
            Proof::There(constraint) => {
                let validate = validate(id, &sql::ident(&constraint.name));
                let undo = alter_table(id, vec![drop, constraint.addition_as(&constraint.name, &column)]);
                step(Verb::Validate, id, prove, Action::validate(validate), Action::catalog(undo).into());
            }
        }
        if !rest.is_empty() {
            step(Verb::Alter, id, format!("alter {what}"), Action::rewrite(rest), rest_undo);
        }
        for column in kept {
            let (what, check) = (with_relation(&column), check_id(&column));
            let prove = format!("validate that no row has NULL in {what}");
            let validate = Action::validate(validate(&column, &check.sql()));
            self.push_back(unit, Verb::Validate, &check, &prove, validate, With::Previous);
            let refuse = format!("refuse NULL in {what} by itself, not yet validated");
            self.push_back(
                unit,
                Verb::Alter,
                &check,
                &refuse,
                Action::catalog(refusal(&column)),
                With::Previous,
            );
        }
    }

    /// Columns of partitions and child tables that refuse NULL whether the parent's does or not. Under one of them there
    /// are none.
    fn refusing_below(&self, id: &ObjectId) -> Vec<ObjectId> {
        let refuses = |column: &ObjectId| {
            let catalogs = [self.catalogs.before, self.catalogs.after];
            catalogs.iter().all(|catalog| {
                matches!(catalog.objects.get(column), Some(Object::Column(column)) if column.has_no_null())
            })
        };
        let mut found: Vec<ObjectId> = Vec::new();
        for table in self.family(id).into_iter().skip(1) {
            let column =
                ObjectId::new(Kind::Column, [table.path.part(0), table.path.part(1), id.path.last()]);
            let moves = self.changes.contains_key(&ObjectId { kind: Kind::Attachment, path: table.path });
            let Some(Object::Column(definition)) = self.catalogs.before.objects.get(&column) else {
                continue;
            };
            let covered = definition.lineage.in_parents(&column).any(|parent| found.contains(&parent));
            if !moves && !covered && refuses(&column) {
                found.push(column);
            }
        }
        found
    }

    /// Those of which has to be proven that they have no NULL, so that they can refuse it anew: before 18, NOT NULL of a
    /// parent takes along what partitions have of their own.
    fn proven_below(&self, id: &ObjectId) -> Vec<ObjectId> {
        let stored = |column: &ObjectId| matches!(self.catalogs.before.objects.get(column), Some(Object::Column(column)) if !column.facts.foreign);
        let below = if self.context.major < 18 { self.refusing_below(id) } else { Vec::new() };
        below.into_iter().filter(stored).collect()
    }

    /// The statements that change a column, after which those below refuse NULL as before where the column no longer does.
    /// Since 18 they can be told to before.
    pub(super) fn keep_refusing_below(
        &self,
        id: &ObjectId,
        column: Pair<&Column>,
        statements: Vec<Sql>,
    ) -> Vec<Sql> {
        if !column.before.hands_down_not_null() || column.after.hands_down_not_null() {
            return statements;
        }
        if let Some(alone) = self.accept_alone(id).filter(|_| statements == accept(id)) {
            return alone;
        }
        let refuse = self.refuse_below(id);
        if self.context.major < 18 { [statements, refuse].concat() } else { [refuse, statements].concat() }
    }

    /// Has a parent take NULL and leaves alone the child tables that go on refusing it, if there are any: before 18, NOT NULL
    /// would go in all of them, and cannot under a primary key. Partitions cannot be left alone.
    fn accept_alone(&self, id: &ObjectId) -> Option<Vec<Sql>> {
        let table = id.relation()?;
        let refusing = self.refusing_below(id);
        if self.context.major >= 18 || refusing.is_empty() || self.catalogs.before.is_partitioned(&table) {
            return None;
        }
        let mut refusing: BTreeSet<ObjectId> =
            refusing.iter().flat_map(|column| self.family(column)).collect();
        let accepting = self.family(id).into_iter().filter(|table| refusing.insert(table.clone()));
        let accept = |table: ObjectId| {
            Sql::new(format!("ALTER TABLE ONLY {} ALTER COLUMN {} DROP NOT NULL", table.sql(), id.sql()))
        };
        Some(accepting.map(accept).collect())
    }

    fn refuse_below(&self, id: &ObjectId) -> Vec<Sql> {
        let refuse = |column: ObjectId| {
            alter_table(&column, vec![format!("ALTER COLUMN {} SET NOT NULL", column.sql())])
        };
        self.refusing_below(id).into_iter().flat_map(refuse).collect()
    }
}

impl Lowering<'_> {
    /// Has partitions take NULL in a column once the whole does: since 18 the primary key of a partition that is made by
    /// itself leaves a NOT NULL of the partition's own behind.
    pub(super) fn accept_null_below(&self, id: &ObjectId, name: &str) -> Vec<Sql> {
        let by_key = |table: &ObjectId| {
            [self.catalogs.before, self.catalogs.after].into_iter().any(|catalog| {
                catalog.parts(Kind::Constraint, table).any(|(key, object)| {
                    let changes = self.changes.contains_key(key);
                    matches!(object, Object::Constraint(key) if changes && key.is_primary_key_over(id.path.last()))
                })
            })
        };
        let whole = id.relation().is_some_and(|table| self.catalogs.before.is_partitioned(&table));
        if self.context.major < 18 || !whole {
            return Vec::new();
        }
        // a shadow column is trueup's own, below as well
        let stays = if name == id.path.last() { self.refusing_below(id) } else { Vec::new() };
        let stays = |table: &ObjectId| stays.iter().any(|column| column.relation().as_ref() == Some(table));
        let below = self.family(id).into_iter().skip(1).filter(|table| by_key(table) && !stays(table));
        let accept = |table: ObjectId| {
            let column = sql::ident(name);
            Sql::new(format!("ALTER TABLE {} ALTER COLUMN {column} DROP NOT NULL", table.sql()))
        };
        below.map(accept).collect()
    }
}

/// Drops NOT NULL, in all that inherit the column as well.
fn accept(id: &ObjectId) -> Vec<Sql> {
    alter_table(id, vec![format!("ALTER COLUMN {} DROP NOT NULL", id.sql())])
}

/// Adds the check that holds for new rows.
fn refusal(column: &ObjectId) -> Vec<Sql> {
    let check = format!("CHECK ({} IS NOT NULL) NOT VALID", column.sql());
    alter_table(column, vec![format!("ADD CONSTRAINT {} {check}", check_id(column).sql())])
}

/// Takes away what [`refusal`] has added, if it is still there.
fn drop_check(column: &ObjectId) -> Sql {
    let (table, check) = (column.relation_sql(), check_id(column).sql());
    Sql::new(format!("ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {check}"))
}

/// The check that is there until NOT NULL is.
fn check_id(column: &ObjectId) -> ObjectId {
    let name = temporary_name("not_null", column);
    ObjectId::new(Kind::Constraint, [column.path.part(0), column.path.part(1), &name])
}
