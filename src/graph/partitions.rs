//! The order around partitions: a table is complete before it is attached, and indexes of the parent are dropped before
//! a partition gets its own.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Act,
    edges::{Before, Find, comes, is_inherited},
};
use crate::{
    catalog::{Body, Catalog, Rank, indexed, rank},
    diff::{Change, Changes, How},
    kind::{Attachment, Object},
    name::{Kind, ObjectId, Pair},
};

pub(super) fn order(catalogs: Pair<&Catalog>, changes: &Changes, find: &Find<'_>, before: &mut Before<'_>) {
    keep_parts_in_order(catalogs, changes, find, before);
    make_anew_behind(catalogs, changes, find, before);
    attach_complete(changes, find, before);
    index_whole_last(catalogs.after, changes, find, before);
    complete_with_parts(catalogs.after, changes, find, before);
    leave_out(catalogs, changes, find, before);
    let_go(catalogs, changes, find, before);
}

/// Indexes of partitioned tables and of their partitions come in the order in which they pair up. They go in the opposite one,
/// since on the way back they come.
fn keep_parts_in_order(
    catalogs: Pair<&Catalog>,
    changes: &Changes,
    find: &Find<'_>,
    before: &mut Before<'_>,
) {
    for act in [Act::Create, Act::Drop] {
        let mut indexes: BTreeMap<&[String], Vec<(Rank, &ObjectId)>> = BTreeMap::new();
        for change in changes.values() {
            let Pair { before, after } = &change.object;
            let object = if act == Act::Create { after } else { before };
            let Some((table, _)) = object.as_ref().and_then(|object| indexed(&change.id, object)) else {
                continue;
            };
            let with_table = [Kind::Attachment, Kind::Table]
                .into_iter()
                .any(|kind| find(&ObjectId { kind, path: table.to_vec().into() }, act).is_some());
            if let Some(rank) = rank(catalogs, &change.id).filter(|_| with_table) {
                indexes.entry(table).or_default().push((rank, &change.id));
            }
        }
        for mut of_table in indexes.into_values() {
            of_table.sort_unstable();
            if act == Act::Drop {
                of_table.reverse();
            }
            for pair in of_table.windows(2) {
                before(find(pair[0].1, act), find(pair[1].1, act), true);
            }
        }
    }
}

/// An index that is made anew, so that it is younger than a like one that comes, is built when that is there. When the
/// partition goes, the same holds on rollback. (Where parts of the one become parts of the other, those say what comes first.)
fn make_anew_behind(catalogs: Pair<&Catalog>, changes: &Changes, find: &Find<'_>, before: &mut Before<'_>) {
    let of_table = by_table(changes);
    let parent = |object: &Option<Object>| match object {
        Some(Object::IndexAttachment(attachment)) => Some(attachment.parent_id()),
        _ => None,
    };
    let moves: BTreeSet<(ObjectId, ObjectId)> = changes
        .values()
        .filter_map(|change| Some((parent(&change.object.before)?, parent(&change.object.after)?)))
        .collect();
    for attachment in changes.values().filter(|change| change.id.kind == Kind::Attachment) {
        let of_it = of_table.get(attachment.id.path.parts()).into_iter().flatten();
        let mut indexes: Vec<(Rank, &Change, Body<'_>)> = of_it
            .filter_map(|change| {
                let object = change.object.after.as_ref().or(change.object.before.as_ref())?;
                let (_, body) = indexed(&change.id, object)?;
                Some((rank(catalogs, &change.id)?, *change, body))
            })
            .collect();
        indexes.sort_by_key(|(rank, ..)| *rank);
        for (at, (_, later, body)) in indexes.iter().enumerate() {
            let like = indexes[..at].iter().filter(|(_, earlier, other)| {
                let (earlier, later) = (&earlier.id, &later.id);
                other == body
                    && !moves.contains(&(earlier.clone(), later.clone()))
                    && !moves.contains(&(later.clone(), earlier.clone()))
            });
            for (_, earlier, _) in like.filter(|_| later.how == How::Replace) {
                match earlier.how {
                    How::Create => before(find(&earlier.id, Act::Create), find(&later.id, Act::Drop), true),
                    How::Drop => before(find(&later.id, Act::Create), find(&earlier.id, Act::Drop), true),
                    _ => {}
                }
            }
        }
    }
}

fn attachment_of(object: Option<&Object>) -> Option<&Attachment> {
    match object {
        Some(Object::Attachment(attachment)) => Some(attachment),
        _ => None,
    }
}

/// The columns, constraints and indexes that change, by table.
fn by_table(changes: &Changes) -> BTreeMap<&[String], Vec<&Change>> {
    let mut parts: BTreeMap<&[String], Vec<&Change>> = BTreeMap::new();
    for change in changes.values() {
        for object in [&change.object.before, &change.object.after].into_iter().flatten() {
            let table = match object {
                Object::Index(index) => index.table.as_slice(),
                Object::Column(_) | Object::Constraint(_) => change.id.path.parts().get(..2).unwrap_or(&[]),
                _ => continue,
            };
            parts.entry(table).or_default().push(change);
        }
    }
    parts
}

fn attach_complete(changes: &Changes, find: &Find<'_>, before: &mut Before<'_>) {
    let parts = by_table(changes);
    let all = || changes.values().filter(|change| change.id.kind == Kind::Attachment);
    let mut leaving: BTreeMap<&[String], Vec<&ObjectId>> = BTreeMap::new();
    for change in all() {
        if let Some(old) = attachment_of(change.object.before.as_ref()) {
            leaving.entry(&old.parent).or_default().push(&change.id);
        }
    }
    for change in all() {
        let (old, new) =
            (attachment_of(change.object.before.as_ref()), attachment_of(change.object.after.as_ref()));
        // bounds must not meet: what goes is gone before anything comes
        for other in new.and_then(|new| leaving.get(&*new.parent)).into_iter().flatten() {
            before(find(other, Act::Drop), find(&change.id, Act::Create), false);
        }
        let parents = [old, new].into_iter().flatten().map(|attachment| &*attachment.parent);
        for table in parents.chain([change.id.path.parts()]) {
            for other in parts.get(table).into_iter().flatten() {
                apart(change, other, changes, find, before);
            }
        }
    }
}

/// A partition is complete, its keys and indexes too, before it is attached, and detached before it is touched. What a
/// partitioned table hands on is not touched in between: a partition would have it by itself, or have it too many.
fn apart(attachment: &Change, other: &Change, changes: &Changes, find: &Find<'_>, before: &mut Before<'_>) {
    let of = |object: &Option<Object>, table: &[String]| match object {
        Some(Object::Index(index)) => index.table == table,
        Some(Object::Column(_) | Object::Constraint(_)) => other.id.path.parts().starts_with(table),
        _ => false,
    };
    let of = |table: &[String]| of(&other.object.before, table) || of(&other.object.after, table);
    let partition = of(attachment.id.path.parts());
    let whole = |object: &Option<Object>| matches!(object, Some(Object::Attachment(attachment)) if of(&attachment.parent));
    let whole = Pair::new(whole(&attachment.object.before), whole(&attachment.object.after));
    if !(partition || whole.before || whole.after) {
        return;
    }
    let object = other.object.after.as_ref().or(other.object.before.as_ref());
    let (handed_on, refers_to) = match object {
        Some(Object::Column(_)) => (true, None),
        Some(Object::Constraint(constraint)) => (!constraint.has_index(), constraint.references.as_ref()),
        _ => (false, None),
    };
    let acts = [Act::Drop, Act::Alter, Act::Create].map(|act| (act, find(&other.id, act)));
    if partition || whole.before {
        for (_, node) in acts.into_iter().filter(|(act, _)| *act == Act::Drop || handed_on) {
            before(find(&attachment.id, Act::Drop), node, false);
        }
    }
    if let Some(Object::Attachment(new)) = &attachment.object.after
        && (partition && !is_inherited(other) || handed_on && whole.after)
    {
        // a new partition takes over foreign keys at any time; one to the whole itself needs it to be complete
        let new_table = ObjectId { kind: Kind::Table, path: attachment.id.path.clone() };
        if refers_to
            .is_some_and(|table| !partition && (comes(changes, Some(new_table)) || *table == new.parent))
        {
            return;
        }
        for (_, node) in acts {
            before(node, find(&attachment.id, Act::Create), false);
        }
    }
}

/// A partitioned table's key is one when those of all partitions are attached to it.
fn index_whole_last(after: &Catalog, changes: &Changes, find: &Find<'_>, before: &mut Before<'_>) {
    let mut references: BTreeMap<&ObjectId, Vec<&ObjectId>> = BTreeMap::new();
    for need in after.needs.iter().filter(|need| need.from.kind == Kind::Constraint) {
        references.entry(&need.to).or_default().push(&need.from);
    }
    for change in changes.values() {
        let Some(Object::IndexAttachment(attachment)) = &change.object.after else { continue };
        let create = find(&change.id, Act::Create);
        let (key, part) = (attachment.parent_id(), attachment.child(&change.id));
        // an index of the parent, when dropped, drops what ATTACH PARTITION has attached to it by then
        let goes = find(&key, Act::Drop);
        before(goes, find(&part, Act::Create).filter(|_| part.kind == Kind::Index), false);
        before(goes, find(&attachment.partition(), Act::Create), true);
        for user in references.get(&key).into_iter().flatten() {
            // a partition's copy comes with the attachment, whatever it refers to
            if !changes.get(*user).is_some_and(is_inherited) {
                before(create, find(user, Act::Create), false);
            }
        }
        // on the way back the partitioned one takes those of its partitions along
        if !comes(changes, Some(ObjectId::new(Kind::Table, attachment.parent_table.clone()))) {
            before(find(&part, Act::Create), find(&key, Act::Create), false);
        }
    }
}

/// An index of a table that is partitioned itself is valid when those of its partitions are attached to it. ATTACH PARTITION
/// takes no other, and would make one more.
fn complete_with_parts(after: &Catalog, changes: &Changes, find: &Find<'_>, before: &mut Before<'_>) {
    for change in changes.values() {
        let Some(Object::IndexAttachment(index)) = &change.object.after else { continue };
        for table in [&*index.parent_table].into_iter().chain(after.parents_of(&index.parent_table)) {
            let attachment = ObjectId::new(Kind::Attachment, table.to_vec());
            before(find(&change.id, Act::Create), find(&attachment, Act::Create), true);
        }
    }
}

/// Whether an index comes to a partition that gets other bounds, and becomes part of the parent's before that: ATTACH PARTITION
/// has it so by itself, there and on the way back. One over columns that change waits for those, as they do for the partition.
pub(super) fn joins_before(
    after: &Catalog,
    changes: &Changes,
    index: &ObjectId,
    attachment: &ObjectId,
) -> bool {
    let changed = |id: &ObjectId, kind: Kind| changes.get(id).filter(|_| id.kind == kind);
    let (Some(index), Some(Change { object, .. })) =
        (changed(index, Kind::IndexAttachment), changed(attachment, Kind::Attachment))
    else {
        return false;
    };
    let parent = |object: &Option<Object>| Some(attachment_of(object.as_ref())?.parent.clone());
    let (old, new) = (parent(&object.before), parent(&object.after));
    let waits = || match &index.object.after {
        Some(Object::IndexAttachment(joins)) => after
            .needs_of(&joins.parent_id())
            .any(|need| need.to.kind == Kind::Column && changes.contains_key(&need.to)),
        _ => true,
    };
    index.how == How::Create && old.is_some() && old == new && !waits()
}

/// ATTACH PARTITION gives a partition all indexes of the partitioned table: one that it is not to have comes later.
fn leave_out(catalogs: Pair<&Catalog>, changes: &Changes, find: &Find<'_>, before: &mut Before<'_>) {
    for (attachment, index) in catalogs.after.left_out() {
        if changes.contains_key(&index) {
            before(find(attachment, Act::Create), find(&index, Act::Create), false);
        }
    }
}

/// A new index of a partitioned table, and those of its partitions, wait for the partitions that lose their place: the index would
/// be invalid until then, and PostgreSQL does not validate it when a partition goes. A table that becomes a partition waits until
/// the indexes that go are gone: it would keep a copy on rollback. So does a new one that has to be without them.
fn let_go(catalogs: Pair<&Catalog>, changes: &Changes, find: &Find<'_>, before: &mut Before<'_>) {
    let changed = by_table(changes);
    let indexes = |table: &[String]| changed.get(table).into_iter().flatten().filter(|it| is_indexed(it));
    let (had, has) = (bodies(catalogs.before), bodies(catalogs.after));
    let is_over = |all: &Bodies<'_>, table: &[String], index: &Change, object: &Option<Object>| {
        let body = object.as_ref().and_then(|object| indexed(&index.id, object)).map(|(_, body)| body);
        body.is_some_and(|body| all.get(table).is_some_and(|all| all.contains(&body)))
    };
    let mut parts: BTreeMap<&[String], Vec<ObjectId>> = BTreeMap::new();
    for change in changes.values() {
        if let Some(Object::IndexAttachment(attachment)) = &change.object.after {
            parts.entry(&attachment.parent_table).or_default().push(attachment.child(&change.id));
        }
    }
    for change in changes.values().filter(|change| change.id.kind == Kind::Attachment) {
        let (id, partition) = (&change.id, change.id.path.parts());
        let table = ObjectId { kind: Kind::Table, path: id.path.clone() };
        if change.object.after.is_none() {
            for parent in catalogs.before.parents_of(partition) {
                // one of the partitions is enough to move an index of another one into the same phase
                let others = parts.remove(parent).unwrap_or_default();
                for index in indexes(parent).map(|it| &it.id).chain(&others) {
                    before(find(id, Act::Drop), find(index, Act::Create), false);
                }
                // on the way back the parent's index would take in the first that is over the same
                for index in indexes(partition).filter(|it| is_over(&had, parent, it, &it.object.after)) {
                    before(find(id, Act::Drop), find(&index.id, Act::Create), false);
                }
            }
        } else if change.object.before.is_none() {
            let is_new = comes(changes, Some(table.clone()));
            let divided = catalogs.after.is_partitioned(&table);
            for parent in catalogs.after.parents_of(partition) {
                for index in indexes(parent) {
                    // PostgreSQL refuses unique indexes that leave out a column by which a partition is divided
                    let refuses = || divided && is_unique(index);
                    let takes_in = || is_over(&has, parent, index, &index.object.before);
                    if !is_new || refuses() || takes_in() {
                        before(find(&index.id, Act::Drop), find(id, Act::Create), false);
                    }
                }
            }
        }
    }
}

type Bodies<'c> = BTreeMap<&'c [String], Vec<Body<'c>>>;

/// What the indexes and keys of partitioned tables are over.
fn bodies(catalog: &Catalog) -> Bodies<'_> {
    let mut found = Bodies::new();
    for kind in [Kind::Index, Kind::Constraint] {
        for (id, object) in catalog.of_kind(kind) {
            let whole = match object {
                Object::Index(index) => index.partitioned,
                Object::Constraint(key) => key.lineage.partition,
                _ => false,
            };
            if let Some((table, body)) = indexed(id, object).filter(|_| whole) {
                found.entry(table).or_default().push(body);
            }
        }
    }
    found
}

fn is_unique(change: &Change) -> bool {
    let object = change.object.before.as_ref();
    object.and_then(|object| indexed(&change.id, object)).is_some_and(|(_, (unique, _))| unique)
}

/// Whether it is or was an index, or a constraint that has one.
fn is_indexed(change: &Change) -> bool {
    match change.object.after.as_ref().or(change.object.before.as_ref()) {
        Some(Object::Index(_)) => true,
        Some(Object::Constraint(constraint)) => constraint.has_index(),
        _ => false,
    }
}
