//! The way back of what has no recipe: from what is there after the unit to what was there before it, by the same
//! statements that would lead from the one to the other if it were asked for.

use std::collections::BTreeMap;

use super::{Context, Lowering, State, replica_identity::without_identity, statements};
use crate::{
    catalog::{Catalog, Dependency, Strength},
    diff::{DiffError, How},
    graph::{self, Act, Unit},
    kind::{Alter, Object, column::ColumnSettings},
    name::{Kind, ObjectId, Pair, Path},
    sql::Sql,
    step::{Action, Verb},
};

impl Lowering<'_> {
    /// The way back of a unit whose single step has none yet. `before` is the state that what is altered
    /// started from.
    pub(super) fn undo(
        &self,
        unit: &Unit,
        before: Option<&State<'_>>,
        among_every: Vec<Dependency>,
    ) -> Result<Action, DiffError> {
        let Some(change) = self.changes.get(&unit.root) else { return Ok(Action::nothing()) };
        match (&change.object.before, &change.object.after, before) {
            (_, _, Some(before)) if unit.act != Act::Alter => {
                let Pair { before: mut from, after: to } = self.around(unit, before);
                from.needs.extend(among_every);
                let catalogs = Pair::new(&from, &to);
                let changes = crate::diff::diff(catalogs)?;
                Ok(made(unit, changes.keys(), statements(catalogs, &changes, self.context)?))
            }
            (_, Some(object), _) if unit.act == Act::Create => {
                let indexed =
                    matches!(object, Object::Index(_) | Object::Constraint(_) | Object::IndexAttachment(_));
                let attached = if indexed { self.attached_for_good(&unit.root) } else { Vec::new() };
                if attached.is_empty() {
                    return Ok(Action::catalog(self.drop_again(&unit.root, object)));
                }
                let near = self.neighbours.of(attached.iter().chain(&unit.members));
                let from = self.state.with(&attached).catalog(near);
                let to = from.filtered(|id| *id != unit.root && !attached.contains(id));
                let catalogs = Pair::new(&from, &to);
                Ok(Action::bulk(statements(catalogs, &crate::diff::diff(catalogs)?, self.context)?))
            }
            (Some(_), _, Some(before)) if unit.act == Act::Drop => {
                let Pair { before: from, after: to } = self.around(unit, before);
                let catalogs = Pair::new(&from, &to);
                let changes = crate::diff::diff(catalogs)?;
                Ok(made(unit, changes.keys(), statements(catalogs, &changes, self.context)?))
            }
            (Some(_), _, _) if unit.act == Act::Drop => {
                let context = Context { alone: true, ..self.context.clone() };
                let mut members = self.catalogs.before.only(&unit.members.iter().cloned().collect());
                for (id, object) in &mut members.objects {
                    *object = without_identity(self.changes, id, object);
                }
                let mut sql = self.creation_within(&members, &context)?;
                sql.extend(self.count_on_again(&unit.root));
                Ok(made(unit, unit.members.iter(), sql))
            }
            (Some(old), Some(new), Some(before)) => {
                let back = match Object::alter(Pair::new(new, old), &unit.root) {
                    // what is added to a domain may need it to be exchanged
                    Alter::InPlace(ddl, None)
                        if change.how != How::Rebuild
                            && change.identity_flips().is_none()
                            && unit.root.kind != Kind::Domain =>
                    {
                        let mut sql = ddl.into_statements();
                        if let (Object::Column(old), Object::Column(new)) = (old, new) {
                            sql = self.keep_refusing_below(&unit.root, Pair::new(new, old), sql);
                        }
                        sql.extend(self.count_on_again(&unit.root));
                        sql.extend(self.identify_again(&unit.root));
                        sql.extend(self.grant_again(&unit.root, Some(new), Some(old)));
                        let column = matches!(old, Object::Column(_));
                        return Ok(if column { Action::rewrite(sql) } else { Action::bulk(sql) });
                    }
                    back => back,
                };
                let Pair { before: from, after: to } = self.around(unit, before);
                let forced = match (&change.how, back) {
                    // what was taken away in one transaction with others comes back in one: a label that is added in
                    // place could not be used before the end of it
                    (How::Rebuild, _) => {
                        let rebuilt = |id: &&ObjectId| {
                            self.changes.get(*id).is_some_and(|change| change.how == How::Rebuild)
                                && from.objects.get(*id) != to.objects.get(*id)
                        };
                        let types = unit.members.iter().filter(rebuilt);
                        types.map(|id| (id.clone(), How::Rebuild)).collect()
                    }
                    (_, Alter::InPlace(..) | Alter::Rebuild | Alter::Replace) => BTreeMap::new(),
                    // what PostgreSQL cannot turn back can still be made anew
                    (_, Alter::Refused(_)) => BTreeMap::from([(unit.root.clone(), How::Replace)]),
                };
                let catalogs = Pair::new(&from, &to);
                let changes = crate::diff::diff_forcing(catalogs, &forced)?;
                Ok(made(unit, changes.keys(), statements(catalogs, &changes, self.context)?))
            }
            _ => Ok(Action::nothing()),
        }
    }

    /// The catalogs after the unit and before it, of all that may have to do with it.
    fn around(&self, unit: &Unit, before: &State<'_>) -> Pair<Catalog> {
        let near = || self.neighbours.of(&unit.members);
        let mut copies = self.copies(&unit.root);
        if copies.is_empty() {
            let earlier = self.state.with_those_of(&unit.members, before);
            return Pair::new(self.state.catalog(near()), earlier.catalog(near()));
        }
        copies.extend(unit.members.iter().cloned());
        let whole = Unit { members: copies, ..unit.clone() };
        let mut now = self.state.clone();
        now.advance(&whole, self.changes);
        let earlier = now.with_those_of(&whole.members, before);
        Pair::new(now.catalog(near()), earlier.catalog(near()))
    }

    /// The columns of child tables that change with a column by themselves.
    fn copies(&self, column: &ObjectId) -> Vec<ObjectId> {
        if column.kind != Kind::Column {
            return Vec::new();
        }
        let below = self.family(column).into_iter().skip(1);
        let copies = below.map(|table| {
            ObjectId::new(Kind::Column, [table.path.part(0), table.path.part(1), column.path.last()])
        });
        let follows = |id: &ObjectId| matches!(self.changes.get(id), Some(change) if matches!(change.how, How::Implied(..)));
        copies.filter(follows).collect()
    }

    /// What will need a new column on the way back: it is to change later, and is then made again with every column
    /// that there is.
    pub(super) fn made_with_every_column(&self, unit: &Unit) -> Vec<Dependency> {
        let table = match (unit.act, unit.root.kind) {
            (Act::Create, Kind::Column) => unit.root.relation(),
            _ => None,
        };
        if table.is_none() {
            return Vec::new();
        }
        let users = self.catalogs.before.needs.iter().filter(|need| {
            need.strength == Strength::EveryColumn
                && Some(&need.to) == table.as_ref()
                && self.changes.contains_key(&need.from)
                && self.state.is_as_before(&need.from)
        });
        users
            .map(|need| Dependency { to: unit.root.clone(), strength: Strength::Hard, ..need.clone() })
            .collect()
    }

    /// Whether a partition goes of which an index of the whole has no part: when it comes back, that index would take it in.
    pub(super) fn leaves_out(&self, unit: &Unit) -> bool {
        let partitions = unit.members.iter().any(|id| id.kind == Kind::Attachment);
        partitions && self.left_out.iter().any(|(partition, _)| unit.members.contains(partition))
    }

    /// Indexes that are attached because this one is there, and that no undo of their own has detached: what was there
    /// before them goes along and comes back.
    fn attached_for_good(&self, id: &ObjectId) -> Vec<ObjectId> {
        let created = |id: &ObjectId| {
            self.changes.get(id).is_some_and(|change| graph::acts(change).contains(&Act::Create))
        };
        let attachments =
            self.catalogs.after.of_kind(Kind::IndexAttachment).filter_map(|(id, object)| match object {
                Object::IndexAttachment(attachment) => Some((id, attachment)),
                _ => None,
            });
        let attachments = attachments.filter(|(own, attachment)| {
            let parent = attachment.parent_id();
            let for_good = parent == *id || *own == id && !created(&parent);
            for_good
                && created(own)
                && !created(&attachment.partition())
                && self.state.has(&attachment.child(own))
                && !self.goes_too(&attachment.child(own), id)
        });
        attachments.map(|(id, _)| id.clone()).collect()
    }

    /// Drops what was created; a part of an index may have gone with the whole.
    pub(super) fn drop_again(&self, id: &ObjectId, object: &Object) -> Vec<Sql> {
        let index = Path::from([id.path.part(0), id.path.last()]);
        let if_exists = self.if_exists(&index);
        match object {
            Object::Index(_) if !if_exists.is_empty() => {
                vec![Sql::new(format!("DROP INDEX {if_exists}{}", id.sql()))]
            }
            Object::Constraint(key) if key.has_index() && !if_exists.is_empty() => {
                vec![Sql::new(format!(
                    "ALTER TABLE {} DROP CONSTRAINT {if_exists}{}",
                    id.relation_sql(),
                    id.sql()
                ))]
            }
            _ => {
                let mut sql = object.drop(id).into_statements();
                sql.extend(self.grant_again(id, Some(object), None));
                sql
            }
        }
    }

    /// Whether the way back drops the part of an index right after the whole: nothing has to be put in its place.
    fn goes_too(&self, part: &ObjectId, whole: &ObjectId) -> bool {
        let phase = |id: &ObjectId| {
            let mut steps = self.steps.iter().rev();
            steps.find(|step| step.object == *id && step.verb != Verb::Validate).map(|step| step.phase)
        };
        part != whole
            && !self.catalogs.before.objects.contains_key(part)
            && phase(part).is_some_and(|made| Some(made) == phase(whole))
    }

    pub(super) fn creation_within(
        &self,
        members: &Catalog,
        context: &Context,
    ) -> Result<Vec<Sql>, DiffError> {
        // what the database gives to new objects at this point is there, and known
        let mut before = self.state.of_kind(Kind::DefaultPrivileges);
        let plain = |object: &Object| match object {
            Object::Column(column) => {
                column.identity.is_none() && column.settings == ColumnSettings::default()
            }
            _ => true,
        };
        let has_table = members.objects.keys().any(|id| id.kind == Kind::Table);
        if has_table {
            // what parents have by default comes with INHERITS
            before.objects.extend(self.state.of_kind(Kind::Default).objects);
            before.objects.retain(|id, _| !members.objects.contains_key(id));
        }
        if !has_table && !members.objects.values().all(plain) {
            // whether there are inheritors decides how such a column is added
            for kind in [Kind::Table, Kind::Attachment] {
                before.objects.extend(self.state.of_kind(kind).objects);
            }
        }
        let mut after = members.clone();
        after.objects.extend(before.objects.clone());
        let catalogs = Pair::new(&before, &after);
        statements(catalogs, &crate::diff::diff(catalogs)?, context)
    }
}

/// Statements that make these objects. What is all of a table's own columns and constraints computes values of its rows, and
/// makes nothing that would belong to who makes it.
fn made<'a>(unit: &Unit, mut objects: impl Iterator<Item = &'a ObjectId>, sql: Vec<Sql>) -> Action {
    let of_table = |kind| matches!(kind, Kind::Column | Kind::Default | Kind::Constraint | Kind::Comment);
    let is_one = of_table(unit.root.kind) && objects.all(|id| of_table(id.kind) || id.kind == Kind::Index);
    if is_one { Action::rewrite(sql) } else { Action::bulk(sql) }
}
