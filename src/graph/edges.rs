//! Which act comes before which: dependencies, names that must be free, and orders that no catalog records.

use std::collections::{BTreeMap, BTreeSet};

use super::{Act, Node, overloads, partitions};
use crate::{
    catalog::{Catalog, Dependency, Strength},
    diff::{Change, Changes, How},
    kind::{Constraint, Object, Privileges, constraint::ConstraintType},
    name::{Kind, ObjectId, Pair},
};

/// Which act comes before which, by position in the list of nodes; true for soft ones.
pub(super) struct Edges(BTreeMap<(usize, usize), bool>);

impl Edges {
    pub fn all(&self) -> impl Iterator<Item = (usize, usize, bool)> + '_ {
        self.0.iter().map(|((from, to), soft)| (*from, *to, *soft))
    }

    pub fn of(
        catalogs: Pair<&Catalog>,
        changes: &Changes,
        nodes: &[Node],
        index: &BTreeMap<&Node, usize>,
        wishes: &[(ObjectId, ObjectId)],
    ) -> Self {
        let mut edges = Self(BTreeMap::new());
        let find =
            |id: &ObjectId, act: Act| changes.get(id).and_then(|_| index.get(&(id.clone(), act)).copied());
        let mut before = |first: Option<usize>, second: Option<usize>, soft: bool| {
            let (Some(first), Some(second)) = (first, second) else { return };
            if first != second {
                edges.0.entry((first, second)).and_modify(|known| *known &= soft).or_insert(soft);
            }
        };
        // and whether PostgreSQL knows of it
        let mut needed: BTreeMap<(&ObjectId, &ObjectId), bool> = BTreeMap::new();
        for need in &catalogs.after.needs {
            *needed.entry((&need.from, &need.to)).or_default() |= need.strength != Strength::Soft;
        }
        for need in &catalogs.before.needs {
            if !changes.contains_key(&need.from) || !changes.contains_key(&need.to) {
                continue;
            }
            let soft = need.strength == Strength::Soft;
            let (user, used) = (&need.from, &need.to);
            before(find(user, Act::Drop), find(used, Act::Drop), soft);
            if parents_change(changes, user, used) {
                before(find(used, Act::Alter), find(user, Act::Drop), soft);
                continue;
            }
            let mild = soft || is_part(user, used);
            if gains_labels(changes, used) {
                before(find(used, Act::Alter), find(user, Act::Drop), true);
            } else {
                before(find(user, Act::Drop), find(used, Act::Alter), mild);
            }
            before(find(user, Act::Alter), find(used, Act::Drop), soft);
            // PostgreSQL refuses to change what it knows the user to need: the user lets go first, even if its text still names it
            if !gains_labels(changes, used) && needed.get(&(user, used)).is_none_or(|known| !soft && !known) {
                before(find(user, Act::Alter), find(used, Act::Alter), soft);
            }
        }
        for need in &catalogs.after.needs {
            if !changes.contains_key(&need.from) || !changes.contains_key(&need.to) {
                continue;
            }
            let soft = need.strength == Strength::Soft;
            let (user, used) = (&need.from, &need.to);
            if parents_change(changes, user, used) {
                before(find(user, Act::Create), find(used, Act::Alter), soft);
                continue;
            }
            if partitions::joins_before(catalogs.after, changes, user, used) {
                before(find(user, Act::Create), find(used, Act::Drop), soft);
                continue;
            }
            for first in [Act::Create, Act::Alter] {
                let soft = soft || first == Act::Alter && is_part(user, used);
                for second in [Act::Create, Act::Alter] {
                    before(find(used, first), find(user, second), soft);
                }
            }
        }
        for (user, column) in every_column(catalogs, changes) {
            before(find(column, Act::Drop), find(user, Act::Create), false);
        }
        // one that is changed in place has the column before or after, and not both
        let through =
            Pair::new(through_columns(catalogs.before, changes), through_columns(catalogs.after, changes));
        for (user, used) in &through.before {
            if !gains_labels(changes, used) {
                before(find(user, Act::Drop), find(used, Act::Alter), false);
                if !through.after.contains(&(*user, *used)) {
                    before(find(user, Act::Alter), find(used, Act::Alter), false);
                }
            }
        }
        for (user, used) in &through.after {
            before(find(used, Act::Alter), find(user, Act::Create), false);
            if !through.before.contains(&(*user, *used)) {
                before(find(used, Act::Alter), find(user, Act::Alter), false);
            }
        }
        for (user, used) in over_rows(catalogs.before, changes) {
            before(find(user, Act::Drop), find(used, Act::Create), false);
            before(find(user, Act::Drop), find(used, Act::Alter), false);
        }
        for (user, used) in over_rows(catalogs.after, changes) {
            before(find(used, Act::Create), find(user, Act::Create), false);
            before(find(used, Act::Alter), find(user, Act::Create), false);
        }
        for (id, _) in nodes.iter().filter(|(_, act)| *act == Act::Drop) {
            before(find(id, Act::Drop), find(id, Act::Create), false);
        }
        free_names(changes, &find, &mut before);
        free_keys(catalogs, changes, &find, &mut before);
        partitions::order(catalogs, changes, &find, &mut before);
        overloads::order(catalogs, changes, &find, &mut before);
        keep_references_logged(catalogs.before, changes, &find, &mut before);
        for change in changes.values() {
            special(catalogs, change, changes, &find, &mut before);
        }
        for (first, second) in wishes {
            for act in [Act::Create, Act::Alter] {
                for then in [Act::Create, Act::Alter] {
                    before(find(first, act), find(second, then), true);
                }
            }
        }
        edges
    }
}

/// Whether it is an enum that only gets more labels: nobody has to make way for that, and it has to be committed before a
/// label is used.
fn gains_labels(changes: &Changes, id: &ObjectId) -> bool {
    id.kind == Kind::Enum && changes.get(id).is_some_and(|change| matches!(change.how, How::InPlace(_)))
}

/// Whether a table's own settings and this part of it seldom mind each other.
fn is_part(part: &ObjectId, table: &ObjectId) -> bool {
    table.kind == Kind::Table && part.relation().as_ref() == Some(table)
}

/// Whether a column or constraint comes to or goes from a table whose parents change: it is there as long as any of them
/// may ask for it.
fn parents_change(changes: &Changes, part: &ObjectId, table: &ObjectId) -> bool {
    let parts =
        matches!(part.kind, Kind::Column | Kind::Constraint) && part.relation().as_ref() == Some(table);
    let comes_or_goes = |change: &Change| matches!(change.how, How::Create | How::Drop);
    parts && changes.get(part).is_some_and(comes_or_goes) && changes.get(table).is_some_and(|change| {
        let object = (&change.object.before, &change.object.after);
        matches!(object, (Some(Object::Table(old)), Some(Object::Table(new))) if old.inherits != new.inherits)
    })
}

/// Whether a column gets another type.
fn retypes(change: &Change) -> bool {
    matches!(
        (&change.object.before, &change.object.after),
        (Some(Object::Column(old)), Some(Object::Column(new))) if old.data_type != new.data_type
    )
}

pub(super) type Find<'a> = dyn Fn(&ObjectId, Act) -> Option<usize> + 'a;
pub(super) type Before<'a> = dyn FnMut(Option<usize>, Option<usize>, bool) + 'a;

/// What is over the columns of a type that is exchanged, with the type: they change with it, and are no changes.
fn through_columns<'a>(catalog: &'a Catalog, changes: &Changes) -> BTreeSet<(&'a ObjectId, &'a ObjectId)> {
    let rebuilt = |id: &ObjectId| changes.get(id).is_some_and(|change| change.how == How::Rebuild);
    let mut types: BTreeMap<&ObjectId, Vec<&ObjectId>> = BTreeMap::new();
    for need in catalog.needs.iter().filter(|need| need.from.kind == Kind::Column && rebuilt(&need.to)) {
        types.entry(&need.from).or_default().push(&need.to);
    }
    let over = |need: &'a Dependency| {
        let types = types.get(&need.to).into_iter().flatten();
        types.map(|used| (&need.from, *used)).collect::<Vec<_>>()
    };
    catalog.needs.iter().flat_map(over).collect()
}

/// What uses the row type of a table, with what changes of the table's columns, and of the types that they hold.
fn over_rows<'a>(catalog: &'a Catalog, changes: &'a Changes) -> Vec<(&'a ObjectId, &'a ObjectId)> {
    let mut found = Vec::new();
    for need in catalog.needs.iter().filter(|need| need.strength == Strength::RowType) {
        if !changes.contains_key(&need.from) {
            continue;
        }
        found.extend(changed_columns(changes, &need.to).map(|column| (&need.from, column)));
        let columns = catalog.parts(Kind::Column, &need.to);
        let types = columns.flat_map(|(column, _)| catalog.needs_of(column)).map(|need| &need.to);
        let exchanged = types.filter(|id| changes.get(*id).is_some_and(|change| change.how == How::Rebuild));
        found.extend(exchanged.map(|used| (&need.from, used)));
    }
    found
}

/// The columns of a table that come, go or change.
fn changed_columns<'a>(changes: &'a Changes, table: &'a ObjectId) -> impl Iterator<Item = &'a ObjectId> {
    let first = ObjectId { kind: Kind::Column, path: table.path.clone() };
    let columns = changes.range(first..).map(|(id, _)| id);
    columns.take_while(move |id| id.kind == Kind::Column && id.relation().as_ref() == Some(table))
}

/// What is made anew with whatever columns a table has, with those that go: they must be gone by then.
fn every_column<'a>(catalogs: Pair<&'a Catalog>, changes: &'a Changes) -> Vec<(&'a ObjectId, &'a ObjectId)> {
    let every = catalogs.after.needs.iter().filter(|need| need.strength == Strength::EveryColumn);
    let columns =
        |need: &'a Dependency| changed_columns(changes, &need.to).map(move |column| (&need.from, column));
    every.flat_map(columns).collect()
}

/// A name is freed before it is used again.
fn free_names(changes: &Changes, find: &Find<'_>, before: &mut Before<'_>) {
    let mut freed: BTreeMap<(&str, String), Vec<&ObjectId>> = BTreeMap::new();
    for change in changes.values() {
        if let (Some(object), Some(_)) = (&change.object.before, find(&change.id, Act::Drop)) {
            for name in names(&change.id, object) {
                freed.entry(name).or_default().push(&change.id);
            }
        }
    }
    for change in changes.values() {
        if let (Some(object), Some(create)) = (&change.object.after, find(&change.id, Act::Create)) {
            for name in names(&change.id, object) {
                for other in freed.get(&name).into_iter().flatten().filter(|other| ***other != change.id) {
                    before(find(other, Act::Drop), Some(create), false);
                }
            }
        }
    }
}

/// The names that an object takes, with the namespace that each is unique in; and a table's one primary key.
pub fn names(id: &ObjectId, object: &Object) -> Vec<(&'static str, String)> {
    let full = id.path.parts().join("\0");
    match object {
        Object::Table(_) | Object::View(_) | Object::MaterializedView(_) | Object::Composite(_) => {
            vec![("relation", full.clone()), ("type", full)]
        }
        // it has no type, and still is not made where there is one of its name
        Object::Sequence(_) => vec![("relation", full.clone()), ("type", full)],
        Object::Index(_) => vec![("relation", full)],
        Object::Enum(_) | Object::Domain(_) => vec![("type", full)],
        Object::Range(range) => {
            vec![("type", full), ("type", format!("{}\0{}", id.path.part(0), range.multirange))]
        }
        Object::Function(_) | Object::Aggregate(_) => vec![("routine", full)],
        Object::Constraint(constraint) if constraint.has_index() => {
            let mut names =
                vec![("relation", format!("{}\0{}", id.path.part(0), id.path.last())), ("constraint", full)];
            if constraint.contype == ConstraintType::PrimaryKey {
                names.push(("primary key", id.path.parts()[..2].join("\0")));
            }
            names
        }
        Object::Constraint(_) => vec![("constraint", full)],
        Object::Trigger(trigger) if trigger.constraint => vec![("constraint", full)],
        Object::Column(column) => {
            let sequences = column.identity.iter().map(|identity| identity.sequence.join("\0"));
            sequences.flat_map(|name| [("relation", name.clone()), ("type", name)]).collect()
        }
        _ => Vec::new(),
    }
}

/// A foreign key takes whichever unique index fits when it is added, the oldest first: one that is to go must be gone by then,
/// and one that is to come beside the one that the foreign key takes comes after that. And so that the same holds on the way
/// back, one that is to come comes when the foreign key is gone, and the one that it takes goes last.
fn free_keys(catalogs: Pair<&Catalog>, changes: &Changes, find: &Find<'_>, before: &mut Before<'_>) {
    let mut keys: BTreeMap<(ObjectId, BTreeSet<&str>), BTreeSet<&ObjectId>> = BTreeMap::new();
    for change in changes.values() {
        for object in [&change.object.before, &change.object.after].into_iter().flatten() {
            if let Some(key) = unique_key(&change.id, object) {
                keys.entry(key).or_default().insert(&change.id);
            }
        }
    }
    for (catalog, act, other_act) in
        [(catalogs.after, Act::Create, Act::Drop), (catalogs.before, Act::Drop, Act::Create)]
    {
        for need in catalog.needs.iter().filter(|need| need.from.kind == Kind::Constraint) {
            let key = catalog.objects.get(&need.to).and_then(|key| unique_key(&need.to, key));
            let beside = key.and_then(|key| keys.get(&key)).into_iter().flatten();
            for other in beside.copied().filter(|other| **other != need.to) {
                let of_other = find(other, other_act);
                if act == Act::Drop {
                    before(find(other, act), find(&need.to, act), true);
                    // an index is built before, under another name
                    before(find(&need.from, act), of_other.filter(|_| other.kind == Kind::Constraint), false);
                    continue;
                }
                before(of_other, find(&need.from, act), false);
                before(find(&need.to, act), find(other, act), true);
            }
        }
    }
}

/// The table and the columns of a unique index that a foreign key can refer to.
fn unique_key<'o>(id: &ObjectId, object: &'o Object) -> Option<(ObjectId, BTreeSet<&'o str>)> {
    match object {
        Object::Constraint(key) if key.has_index() => {
            Some((id.relation()?, key.columns.iter().map(String::as_str).collect()))
        }
        Object::Index(index) if index.unique && index.body.predicate.is_none() => {
            let columns = index.body.shape.keys.iter().map(|key| key.column.as_deref());
            Some((index.relation(), columns.collect::<Option<_>>()?))
        }
        _ => None,
    }
}

/// Orders that no dependency records.
fn special(
    catalogs: Pair<&Catalog>,
    change: &Change,
    changes: &Changes,
    find: &Find<'_>,
    before: &mut Before<'_>,
) {
    let create = find(&change.id, Act::Create);
    match change.id.kind {
        Kind::Table if change.loses_identity() => {
            let index = catalogs.before.replica_identity(&change.id);
            before(find(&change.id, Act::Alter), index.and_then(|index| find(&index, Act::Drop)), false);
        }
        // what a parent brings along is there before an inheritor says more of it
        Kind::Column => {
            // an inheritor that goes has the parent's columns when it comes back
            if let (Some(Object::Column(old)), Some(table)) = (&change.object.before, change.id.relation()) {
                for parent in old.lineage.in_parents(&change.id) {
                    before(find(&table, Act::Drop), find(&parent, Act::Drop), false);
                    // nor does its default stand in the way of another type
                    if changes.get(&parent).is_some_and(retypes) {
                        before(find(&table, Act::Drop), find(&parent, Act::Alter), false);
                    }
                }
            }
            let Some(Object::Column(column)) = &change.object.after else { return };
            // rows that are there get what its domain has for a default by then
            for domain in catalogs.after.domains_of(&change.id) {
                let default = ObjectId { kind: Kind::DomainDefault, path: domain.path.clone() };
                for act in [Act::Drop, Act::Alter, Act::Create] {
                    before(find(&default, act), create, false);
                }
            }
            if let Some(parent) = column.lineage.in_parent(&change.id) {
                before(find(&parent, Act::Create), create, false);
                before(find(&parent, Act::Alter), create, false);
            }
            // also where it was declared in both
            for parent in column.lineage.in_parents(&change.id) {
                let alter = find(&change.id, Act::Alter);
                before(find(&parent, Act::Create), alter, false);
                before(find(&parent, Act::Alter), alter, false);
            }
        }
        // an inheritor keeps its own copy of a check until the parent's is gone; the parent's next one is merged with the
        // inheritor's own if that is there already
        Kind::Constraint => {
            let table = change.id.relation();
            let attachment =
                table.as_ref().map(|table| ObjectId { kind: Kind::Attachment, path: table.path.clone() });
            let detached = attachment.is_some_and(|attachment| find(&attachment, Act::Drop).is_some());
            if let Some(Object::Constraint(old)) = &change.object.before
                && !detached
                && table.as_ref().is_none_or(|table| find(table, Act::Drop).is_none())
            {
                for parent in old.lineage.in_parents(&change.id) {
                    before(find(&parent, Act::Drop), find(&change.id, Act::Drop), false);
                    before(find(&parent, Act::Drop), create, false);
                }
            }
            if let Some(Object::Constraint(new)) = &change.object.after
                && !comes(changes, table)
            {
                for parent in new.lineage.in_parents(&change.id) {
                    before(find(&change.id, Act::Drop), find(&parent, Act::Create), false);
                    if !new.lineage.inherited {
                        before(create, find(&parent, Act::Create), false);
                    }
                }
            }
        }
        // a table's REVOKE takes along what its columns were granted
        Kind::Privileges => {
            let Some(target) = change.id.target().filter(|target| target.kind == Kind::Column) else {
                return;
            };
            let Some(table) = target.relation() else { return };
            let table = ObjectId::about(Kind::Privileges, &table);
            let side = |object: &Option<Object>| match object {
                Some(Object::Privileges(privileges)) => Some(privileges.clone()),
                _ => None,
            };
            let (old, new) = (side(&change.object.before), side(&change.object.after));
            let grants = Privileges::grants_more(old.as_ref(), new.as_ref());
            for act in [Act::Drop, Act::Alter, Act::Create] {
                for own in [Act::Drop, Act::Alter, Act::Create] {
                    let (own, table) = (find(&change.id, own), find(&table, act));
                    if grants { before(table, own, false) } else { before(own, table, false) }
                }
            }
        }
        // default privileges change when everything is created, so that it is created under those of live
        Kind::DefaultPrivileges => {
            for other in changes
                .values()
                .filter(|other| !matches!(other.id.kind, Kind::DefaultPrivileges | Kind::EventTrigger))
            {
                for own in [Act::Drop, Act::Alter, Act::Create] {
                    before(find(&other.id, Act::Create), find(&change.id, own), false);
                    if other.how == How::Rebuild {
                        before(find(&other.id, Act::Alter), find(&change.id, own), false);
                    }
                }
            }
        }
        // event triggers fire on DDL: they come last and go first
        Kind::EventTrigger => {
            for other in changes.values().filter(|other| other.id.kind != Kind::EventTrigger) {
                for act in [Act::Drop, Act::Alter, Act::Create] {
                    before(find(&other.id, act), create, true);
                    before(find(&change.id, Act::Drop), find(&other.id, act), true);
                }
            }
        }
        _ => {}
    }
}

/// What is in the WAL refers to nothing that is not.
fn keep_references_logged(catalog: &Catalog, changes: &Changes, find: &Find<'_>, before: &mut Before<'_>) {
    let mut flips: BTreeMap<&[String], bool> = BTreeMap::new();
    for change in changes.values() {
        if let (Some(Object::Table(old)), Some(Object::Table(new))) =
            (&change.object.before, &change.object.after)
            && old.unlogged != new.unlogged
        {
            flips.insert(change.id.path.parts(), new.unlogged);
        }
    }
    if flips.is_empty() {
        return;
    }
    for (id, object) in catalog.objects.iter().filter(|(id, _)| find(id, Act::Drop).is_none()) {
        let (Object::Constraint(Constraint { references: Some(used), .. }), Some(user)) =
            (object, id.relation())
        else {
            continue;
        };
        // a foreign key refers to each partition, too
        let partitions = flips.keys().filter(|table| catalog.parents_of(table).any(|parent| parent == used));
        for used in partitions.chain([&used.as_slice()]) {
            let unlogged = flips.get(user.path.parts()).or_else(|| flips.get(used));
            let used = ObjectId::new(Kind::Table, used.to_vec());
            let (user, used) = (find(&user, Act::Alter), find(&used, Act::Alter));
            match unlogged {
                Some(true) => before(user, used, false),
                Some(false) => before(used, user, false),
                None => {}
            }
        }
    }
}

/// Whether a table is new.
pub(super) fn comes(changes: &Changes, table: Option<ObjectId>) -> bool {
    table.is_some_and(|table| changes.get(&table).is_some_and(|table| table.how == How::Create))
}

pub(super) fn is_inherited(change: &Change) -> bool {
    matches!(change.how, How::Implied(..))
}
