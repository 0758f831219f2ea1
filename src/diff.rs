//! Two catalogs in, changes out: what has to happen to each object, and to those that cannot stand while it happens.
//!
//! Pure, and without any kind's name in it: objects say how they alter and what they survive. Renames are no matter
//! here: they are applied to the first catalog before it is compared (see `rename`).

mod inherited;
mod logged;
mod refuse;

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    catalog::{ByTable, Catalog, Strength},
    kind::{Alter, Column, Ddl, Definition, Object, Touch},
    name::{Kind, ObjectId, Pair},
};

/// What happens to one object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The object.
    pub id: ObjectId,
    /// What it was and what it will be.
    pub object: Pair<Option<Object>>,
    /// How it gets from one to the other.
    pub how: How,
}

/// How an object gets from what it was to what it will be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum How {
    /// It was not there.
    Create,
    /// It goes.
    Drop,
    /// DDL on the object as it stands.
    InPlace(Ddl),
    /// It goes and comes back, changed or because something that it needs does.
    Replace,
    /// A type is exchanged under the columns that store it.
    Rebuild,
    /// It happens by itself when it happens to that one.
    Implied(ObjectId, Box<How>),
}

impl Change {
    /// Whether it is a table whose replica identity is an index, and something else afterwards.
    pub fn loses_identity(&self) -> bool {
        let by_index = |object: &Option<Object>| matches!(object, Some(Object::Table(table)) if table.replica_identity == "index");
        let Pair { before, after } = &self.object;
        matches!(self.how, How::InPlace(_)) && by_index(before) && !by_index(after)
    }

    /// Whether it is a column whose values, and the order that an index has them in, stay what they are.
    pub fn keeps_values(&self) -> bool {
        match (&self.how, &self.object.before, &self.object.after) {
            (How::InPlace(_), Some(Object::Column(before)), Some(Object::Column(after))) => {
                before.data_type == after.data_type
                    && before.collation == after.collation
                    && before.generated == after.generated
            }
            _ => false,
        }
    }

    /// The column before and after, if it becomes an identity column or stops being one.
    pub fn identity_flips(&self) -> Option<Pair<&Column>> {
        match (&self.how, &self.object.before, &self.object.after) {
            (How::InPlace(_), Some(Object::Column(before)), Some(Object::Column(after)))
                if before.identity.is_some() != after.identity.is_some() =>
            {
                Some(Pair::new(before, after))
            }
            _ => None,
        }
    }
}

/// Changes by object.
pub type Changes = BTreeMap<ObjectId, Change>;

/// An object that cannot become what it should.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{id}: {why}")]
pub struct Refusal {
    /// Which object.
    pub id: ObjectId,
    /// What PostgreSQL cannot do, and what can be done instead.
    pub why: String,
}

/// The changes that lead from one catalog to the other.
pub fn diff(catalogs: Pair<&Catalog>) -> Result<Changes, Vec<Refusal>> {
    diff_forcing(catalogs, &BTreeMap::new())
}

/// Like [`diff`], but these objects are replaced or rebuilt, whatever they say.
pub fn diff_forcing(
    catalogs: Pair<&Catalog>,
    forced: &BTreeMap<ObjectId, How>,
) -> Result<Changes, Vec<Refusal>> {
    let Pair { before, after } = catalogs;
    let mut changes = Changes::new();
    let mut refusals = Vec::new();
    let mut touched: Vec<(ObjectId, Touch)> = Vec::new();
    let ids: BTreeSet<&ObjectId> = before.objects.keys().chain(after.objects.keys()).collect();
    for id in ids {
        let object = Pair::new(before.objects.get(id), after.objects.get(id));
        let how = match (object.before, object.after) {
            (Some(old), Some(new)) if old == new && !forced.contains_key(id) => continue,
            (Some(_), Some(_)) if forced.contains_key(id) => forced[id].clone(),
            (None, None) => continue,
            (None, Some(_)) => How::Create,
            (Some(_), None) => How::Drop,
            (Some(old), Some(new)) => match Object::alter(Pair::new(old, new), id) {
                Alter::InPlace(ddl, touch) => {
                    touched.extend(touch.map(|touch| (id.clone(), touch)));
                    How::InPlace(ddl)
                }
                Alter::Replace => How::Replace,
                Alter::Rebuild => How::Rebuild,
                Alter::Refused(why) => {
                    refusals.push(Refusal { id: id.clone(), why });
                    continue;
                }
            },
        };
        match how {
            How::Drop | How::Replace => touched.push((id.clone(), Touch::Drop)),
            How::Rebuild => touched.push((id.clone(), Touch::Rebuild)),
            _ => {}
        }
        let object = Pair::new(object.before.cloned(), object.after.cloned());
        changes.insert(id.clone(), Change { id: id.clone(), object, how });
    }
    leave_out(catalogs, &mut changes, &mut touched);
    inherited::doubt_again(catalogs, &mut changes, &mut touched);
    let circles = logged::circles(catalogs, &changes);
    touched.extend(circles.keys().map(|id| (id.clone(), Touch::Drop)));
    changes.extend(circles);
    touched.extend(filled_columns(&changes).into_iter().map(|id| (id, Touch::Type)));
    loop {
        propagate(catalogs, &mut changes, std::mem::take(&mut touched), &mut refusals);
        pair_up(catalogs, &mut changes, &mut touched);
        if touched.is_empty() {
            break;
        }
    }
    refuse::orphans(catalogs, &changes, &mut refusals);
    refuse::typed(catalogs, &changes, &mut refusals);
    refuse::shared(&changes, &mut refusals);
    refuse::keys(catalogs, &changes, &mut refusals);
    refuse::not_null(catalogs, &changes, &mut refusals);
    refuse::attached_keys(catalogs, &changes, &mut refusals);
    inherited::hand_over(catalogs, &mut changes);
    inherited::imply(&mut changes);
    if refusals.is_empty() { Ok(changes) } else { Err(refusals) }
}

/// An index of a partitioned table takes in every partition that is attached: if it is not to, it comes anew afterwards.
fn leave_out(catalogs: Pair<&Catalog>, changes: &mut Changes, touched: &mut Vec<(ObjectId, Touch)>) {
    for (partition, index) in catalogs.after.left_out() {
        let (Some(old), Some(new)) =
            (catalogs.before.objects.get(&index), catalogs.after.objects.get(&index))
        else {
            continue;
        };
        let replaced = changes.get(&index).is_some_and(|change| change.how == How::Replace);
        if changes.contains_key(partition) && !replaced {
            let object = Pair::new(Some(old.clone()), Some(new.clone()));
            touched.push((index.clone(), Touch::Drop));
            changes.insert(index.clone(), Change { id: index, object, how: How::Replace });
        }
    }
}

/// A partition that comes or goes keeps indexes that PostgreSQL would pair up with others of the parent's, now or when it comes
/// back: they come anew, behind the ones that come.
fn pair_up(catalogs: Pair<&Catalog>, changes: &mut Changes, touched: &mut Vec<(ObjectId, Touch)>) {
    let Pair { before, after } = catalogs;
    let mut again = BTreeSet::new();
    let stays = |id: &ObjectId| {
        let kept = changes.get(id).is_none_or(|change| matches!(change.how, How::InPlace(_)));
        kept && before.objects.contains_key(id) && after.objects.contains_key(id)
    };
    let attachments = changes.values().filter(|change| change.id.kind == Kind::Attachment);
    let moved = |change: &&Change| stays(&ObjectId { kind: Kind::Table, path: change.id.path.clone() });
    let moved: Vec<&Change> = attachments.filter(moved).collect();
    for to in [before, after].into_iter().filter(|_| !moved.is_empty()) {
        let indexes = ByTable::new(to);
        for change in &moved {
            again.extend(indexes.taken_too_early(catalogs, change.id.path.parts(), &stays));
        }
    }
    for id in again {
        let object = Pair::new(before.objects.get(&id).cloned(), after.objects.get(&id).cloned());
        touched.push((id.clone(), Touch::Drop));
        changes.insert(id.clone(), Change { id, object, how: How::Replace });
    }
}

/// The indexes that hold each other once one is attached to the other: PostgreSQL separates them only with the partition
/// from the whole.
fn held(catalog: &Catalog, changes: &Changes, id: &ObjectId) -> Vec<ObjectId> {
    match catalog.objects.get(id) {
        Some(Object::IndexAttachment(attachment)) if !changes.contains_key(&attachment.partition()) => {
            vec![attachment.child(id), attachment.parent_id()]
        }
        _ => Vec::new(),
    }
}

/// New columns that have a value, or a check, in rows that are there.
fn filled_columns(changes: &Changes) -> Vec<ObjectId> {
    let filled = |change: &&Change| match (&change.object.after, &change.how) {
        (Some(Object::Column(column)), How::Create) => {
            let default = ObjectId { kind: Kind::Default, path: change.id.path.clone() };
            column.generated.is_some()
                || column.identity.is_some()
                || column.facts.plain_type != column.base_type
                || changes.contains_key(&default)
        }
        _ => false,
    };
    changes.values().filter(filled).map(|change| change.id.clone()).collect()
}

/// Replaces what cannot stand while something that it needs is touched, and so on.
fn propagate(
    catalogs: Pair<&Catalog>,
    changes: &mut Changes,
    mut touched: Vec<(ObjectId, Touch)>,
    refusals: &mut Vec<Refusal>,
) {
    let mut dependents: BTreeMap<&ObjectId, Vec<&ObjectId>> = BTreeMap::new();
    for need in catalogs.before.needs.iter().filter(|need| need.strength == Strength::Hard) {
        dependents.entry(&need.to).or_default().push(&need.from);
    }
    // what uses the row type of a table feels what happens to the table's columns
    let mut row_users: BTreeMap<&ObjectId, BTreeSet<&ObjectId>> = BTreeMap::new();
    for need in catalogs.before.needs.iter().filter(|need| need.strength == Strength::RowType) {
        row_users.entry(&need.to).or_default().insert(&need.from);
    }
    let needed = |strength: Strength| -> BTreeSet<(&ObjectId, &ObjectId)> {
        let needs = catalogs.after.needs.iter().filter(|need| need.strength == strength);
        needs.map(|need| (&need.from, &need.to)).collect()
    };
    let (needed, every_column, row_types) =
        (needed(Strength::Hard), needed(Strength::EveryColumn), needed(Strength::RowType));
    // of two that one call could mean, one has to be gone before the other comes
    let overloads = |id: &ObjectId| {
        let first = ObjectId::new(id.kind, id.path.parts().get(..2).unwrap_or_default().to_vec());
        let name = first.path.clone();
        let functions = catalogs.after.objects.range(first..).map(|(other, _)| other);
        functions.take_while(move |other| {
            other.kind == Kind::Function && other.path.parts().starts_with(name.parts())
        })
    };
    while let Some((id, touch)) = touched.pop().or_else(|| rebuild_within(catalogs, changes)) {
        let held = held(catalogs.before, changes, &id);
        // needs of a column that only comes are those of what is to be
        let users = dependents.get(&id).filter(|_| catalogs.before.objects.contains_key(&id));
        let table = id.relation().filter(|_| id.kind == Kind::Column && touch != Touch::Drop);
        let row_users = table.as_ref().and_then(|table| row_users.get(table));
        let known = held.iter().filter_map(|id| catalogs.before.objects.get_key_value(id).map(|(id, _)| id));
        let by_row = row_users.into_iter().flatten().copied();
        for dependent in users.into_iter().flatten().copied().chain(known).chain(by_row) {
            let (Some(old), Some(new)) =
                (catalogs.before.objects.get(dependent), catalogs.after.objects.get(dependent))
            else {
                continue;
            };
            if !row_users.is_some_and(|users| users.contains(dependent)) && old.survives(touch) {
                // the type of a column is exchanged: what is over the column feels it, too
                if touch == Touch::Rebuild && matches!(old, Object::Column(_)) {
                    touched.push((dependent.clone(), Touch::Rebuild));
                }
                continue;
            }
            match changes.get(dependent).map(|change| &change.how) {
                Some(How::Replace | How::Rebuild | How::Drop | How::Create | How::Implied(..)) => continue,
                // it lets go by itself, before
                Some(How::InPlace(_))
                    if !needed.contains(&(dependent, &id))
                        && !held.contains(dependent)
                        && !table.as_ref().is_some_and(|table| row_types.contains(&(dependent, table)))
                        && (old.texts() != new.texts() || !new.has_texts())
                        && !overloads(&id).any(|other| needed.contains(&(dependent, other)))
                        && !id
                            .relation()
                            .is_some_and(|table| every_column.contains(&(dependent, &table))) =>
                {
                    continue;
                }
                _ => {}
            }
            if holds_rows(old) {
                let why = format!(
                    "it would have to be dropped and created anew, because {id} is; its rows would be lost"
                );
                refusals.push(Refusal { id: dependent.clone(), why });
                continue;
            }
            let object = Pair::new(Some(old.clone()), Some(new.clone()));
            // a type made of a type that is exchanged is exchanged with it
            let (how, touch) = if touch == Touch::Rebuild && old.is_stored() {
                (How::Rebuild, Touch::Rebuild)
            } else {
                (How::Replace, Touch::Drop)
            };
            changes.insert(dependent.clone(), Change { id: dependent.clone(), object, how });
            touched.push((dependent.clone(), touch));
        }
    }
}

/// The next domain that is to refuse what it did not, and that columns hold in arrays or rows: PostgreSQL does not look
/// into those, and refuses to prove anything of it.
fn rebuild_within(catalogs: Pair<&Catalog>, changes: &mut Changes) -> Option<(ObjectId, Touch)> {
    let tightened = |change: &Change| match (&change.object.before, &change.object.after, &change.how) {
        (_, Some(Object::DomainConstraint(check)), _) if check.validated => check.part_of(&change.id),
        (Some(Object::Domain(old)), Some(Object::Domain(new)), How::InPlace(_))
            if new.not_null && !old.not_null =>
        {
            Some(change.id.clone())
        }
        _ => None,
    };
    let stays = |domain: &ObjectId| {
        let in_place = changes.get(domain).is_none_or(|change| matches!(change.how, How::InPlace(_)));
        in_place
            && catalogs.before.objects.contains_key(domain)
            && catalogs.after.objects.contains_key(domain)
    };
    let within = |domain: &ObjectId| {
        [catalogs.before, catalogs.after].iter().any(|catalog| held_within(catalog, domain))
    };
    let domain = changes.values().filter_map(tightened).find(|domain| stays(domain) && within(domain))?;
    let object = Pair::new(
        catalogs.before.objects.get(&domain).cloned(),
        catalogs.after.objects.get(&domain).cloned(),
    );
    changes.insert(domain.clone(), Change { id: domain.clone(), object, how: How::Rebuild });
    Some((domain, Touch::Rebuild))
}

/// Whether some column holds values of a domain in arrays, rows or ranges.
fn held_within(catalog: &Catalog, domain: &ObjectId) -> bool {
    let mut open = vec![(domain, false)];
    let mut seen = BTreeSet::new();
    while let Some((id, within)) = open.pop() {
        if !seen.insert((id, within)) {
            continue;
        }
        for user in catalog.needs.iter().filter(|need| need.to == *id).map(|need| &need.from) {
            match catalog.objects.get(user) {
                Some(Object::Column(column)) if within || column.base_type.ends_with("[]") => return true,
                Some(Object::Domain(domain)) => open.push((user, within || domain.base.ends_with("[]"))),
                Some(Object::Composite(_) | Object::Range(_)) => open.push((user, true)),
                _ => {}
            }
        }
    }
    false
}

/// Whether the table of a column or constraint starts or stops being a partition, or does both for other bounds.
fn attachment_changes(changes: &Changes, id: &ObjectId) -> bool {
    id.relation().is_some_and(|table| {
        let attachment = ObjectId { kind: Kind::Attachment, path: table.path };
        changes.contains_key(&attachment)
    })
}

/// Whether dropping it loses what users stored.
pub fn holds_rows(object: &Object) -> bool {
    match object {
        Object::Table(table) => table.foreign.is_none(),
        Object::Column(column) => column.generated.is_none() && !column.facts.foreign,
        _ => false,
    }
}

/// Why there is no way from one catalog to the other.
#[derive(Debug, thiserror::Error)]
pub enum DiffError {
    /// Objects that cannot become what they should.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Refused(Vec<Refusal>),
    /// Changes that need each other in a circle.
    #[error(transparent)]
    Cycle(#[from] crate::graph::Cycle),
    /// Steps that the scheduler has put in a wrong order.
    #[error(transparent)]
    Order(#[from] crate::graph::OutOfOrder),
}

impl From<Vec<Refusal>> for DiffError {
    fn from(refusals: Vec<Refusal>) -> Self {
        Self::Refused(refusals)
    }
}
