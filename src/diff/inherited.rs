//! What partitions and inheritors have from their parents: what happens to it by itself, and what has to be said.

use super::{Change, Changes, How, attachment_changes};
use crate::{
    catalog::Catalog,
    kind::{Alter, Column, Constraint, Ddl, Definition, Object, Touch, column::ColumnSettings},
    name::{Kind, ObjectId, Pair},
};

/// A partition's copy of a check that was validated and is not to be: no more can be done than to have the whole's anew.
pub(super) fn doubt_again(
    catalogs: Pair<&Catalog>,
    changes: &mut Changes,
    touched: &mut Vec<(ObjectId, Touch)>,
) {
    let replaced =
        changes.values().filter(|change| change.how == How::Replace).map(|change| change.id.clone());
    let mut open: Vec<ObjectId> = replaced.filter(|id| !attachment_changes(changes, id)).collect();
    while let Some(id) = open.pop() {
        let (Some(Object::Constraint(old)), Some(Object::Constraint(new))) =
            (catalogs.before.objects.get(&id), catalogs.after.objects.get(&id))
        else {
            continue;
        };
        if !(old.lineage.inherited && new.lineage.inherited && old.lineage.partition) {
            continue;
        }
        for parent in old.lineage.in_parents(&id) {
            if changes.contains_key(&parent) {
                continue;
            }
            let object = Pair::new(
                catalogs.before.objects.get(&parent).cloned(),
                catalogs.after.objects.get(&parent).cloned(),
            );
            touched.push((parent.clone(), Touch::Drop));
            changes.insert(parent.clone(), Change { id: parent.clone(), object, how: How::Replace });
            open.push(parent);
        }
    }
}

/// A constraint that an inheritor has only from its parent goes with the parent's: if it is to be the inheritor's own, it
/// comes anew. And its own goes before it gets the parent's: else that would be merged into it.
pub(super) fn hand_over(catalogs: Pair<&Catalog>, changes: &mut Changes) {
    for (id, object) in &catalogs.before.objects {
        let (Object::Constraint(old), Some(Object::Constraint(new))) =
            (object, catalogs.after.objects.get(id))
        else {
            continue;
        };
        if old.lineage.inherited == new.lineage.inherited || attachment_changes(changes, id) {
            continue;
        }
        let how = |id: ObjectId| changes.get(&id).map(|change| change.how.clone());
        let how = if old.lineage.inherited {
            let goes = |id| matches!(how(id), Some(How::Drop | How::Replace));
            old.lineage.in_parents(id).all(goes).then_some(How::Create)
        } else {
            let comes = |id| matches!(how(id), Some(How::Create | How::Replace));
            new.lineage.in_parents(id).any(comes).then_some(How::Drop)
        };
        if let Some(how) = how {
            let object = Pair::new(Some(object.clone()), Some(Object::Constraint(new.clone())));
            changes.insert(id.clone(), Change { id: id.clone(), object, how });
        }
    }
}

/// Marks what happens by itself: what partitions and inheritors have from their parent.
pub(super) fn imply(changes: &mut Changes) {
    let how_is =
        |id: &ObjectId, hows: &[How]| changes.get(id).is_some_and(|change| hows.contains(&change.how));
    let mut implied = Vec::new();
    let mut left = Vec::new();
    for change in changes.values() {
        let id = &change.id;
        let new_table = id.relation().filter(|table| how_is(table, &[How::Create]));
        let parent = match change.object.after.as_ref().or(change.object.before.as_ref()) {
            Some(Object::Column(column)) => match new_table {
                Some(table) if column.comes_with_table() => Some(table),
                _ => column.lineage.in_parent(id).or_else(|| declared_too(change)),
            },
            Some(Object::Constraint(constraint)) => match new_table {
                Some(table) if constraint.comes_with_table() => Some(table),
                Some(table) if constraint.comes_with_attachment() => {
                    Some(ObjectId { kind: Kind::Attachment, path: table.path })
                }
                _ => constraint.lineage.in_parent(id),
            },
            Some(Object::Default(_)) => inherited_default(changes, id),
            Some(Object::IdentitySequence(sequence)) => {
                Some(ObjectId::new(Kind::Column, sequence.column.clone()))
            }
            _ => None,
        };
        let Some(parent) = parent else { continue };
        let table_stays = !id.relation().is_some_and(|table| how_is(&table, &[How::Create, How::Drop]));
        let comes_along = match (parent.kind, changes.get(&parent)) {
            (Kind::Table | Kind::Attachment, _) => true,
            (_, parent) if id.kind == Kind::IdentitySequence => parent.is_some(),
            // a table by itself, if only for a moment, follows nobody
            (_, Some(parent)) if table_stays && !attachment_changes(changes, id) => {
                let handed_down = handed_down(change, parent);
                let rest = handed_down.as_ref().and_then(|column| rest(id, column, change));
                left.extend(rest.zip(handed_down.clone()).map(|rest| (id.clone(), rest)));
                match handed_down {
                    Some(column) => change.object.after == Some(Object::Column(column)),
                    None => follows(change, parent),
                }
            }
            _ => false,
        };
        if comes_along {
            implied.push((id.clone(), parent));
        }
    }
    for (id, (rest, column)) in left {
        if let Some(change) = changes.get_mut(&id) {
            change.how = How::InPlace(rest);
            change.object.before = Some(Object::Column(column));
        }
    }
    for (id, parent) in implied {
        if let Some(change) = changes.get_mut(&id) {
            let how = std::mem::replace(&mut change.how, How::Create);
            change.how = How::Implied(parent, Box::new(how));
        }
    }
}

/// Whether an inheritor's column or constraint becomes what it is to be by what happens to the parent's.
fn follows(change: &Change, parent: &Change) -> bool {
    let alike = parent.object.after == change.object.after
        || is_proven_copy(change, parent)
        || counts_with_the_whole(change, parent);
    match (&change.how, &parent.how) {
        // a check that becomes NO INHERIT, or ceases to be, is replaced in the parent only
        (How::Drop, How::Drop | How::Replace) => change.object.after.is_none(),
        (How::Create, How::Replace) => alike,
        // the parent's own has taken the place of what it had from above
        (How::Replace, How::Create | How::Drop) => parent.object.before.is_some() && alike,
        (how, parent) => std::mem::discriminant(how) == std::mem::discriminant(parent) && alike,
    }
}

/// Whether a partition's column is as the whole's but for the identity, which is said of the whole alone.
fn counts_with_the_whole(copy: &Change, whole: &Change) -> bool {
    match (&copy.object.after, &whole.object.after) {
        (Some(Object::Column(copy)), Some(Object::Column(whole))) => {
            copy.identity.is_none() && *copy == Column { identity: None, ..whole.clone() }
        }
        _ => false,
    }
}

/// Whether a check that is NOT VALID comes, and a partition's copy of it is to be validated: that is said afterwards.
fn is_proven_copy(copy: &Change, whole: &Change) -> bool {
    match (&copy.object.after, &whole.object.after) {
        (Some(Object::Constraint(copy)), Some(Object::Constraint(whole))) => {
            let unproven = Constraint { validated: false, ..copy.clone() };
            copy.validated && !whole.validated && unproven == *whole
        }
        _ => false,
    }
}

/// What an inheritor's column is when its parent's has been added or altered.
fn handed_down(change: &Change, parent: &Change) -> Option<Column> {
    let column = |object: &Option<Object>| match object {
        Some(Object::Column(column)) => Some(column.clone()),
        _ => None,
    };
    let (new, above) = (column(&change.object.after)?, column(&parent.object.after)?);
    // an identity is nobody's but its column's
    match (&change.how, &parent.how) {
        (How::Create, How::Create) => {
            let not_null = above.hands_down_not_null();
            let settings = ColumnSettings::default();
            Some(Column {
                identity: None,
                settings,
                not_null,
                not_null_as: None,
                lineage: new.lineage,
                ..above
            })
        }
        (How::InPlace(_), How::InPlace(_)) => {
            let (mut column, was) = (column(&change.object.before)?, column(&parent.object.before)?);
            if above.hands_down_not_null() != was.hands_down_not_null() {
                // what it refuses in both, the parent's step has it go on refusing
                let keeps = column.has_no_null() && new.has_no_null();
                column.not_null = above.hands_down_not_null() || keeps || column.keeps_not_null();
                if column.lineage.partition && keeps {
                    let own = column.refusal().filter(|own| own.own_name().is_some());
                    column.not_null_as = own.filter(|_| !above.hands_down_not_null());
                }
            }
            if above.data_type != was.data_type || above.collation != was.collation {
                column.data_type = above.data_type;
                column.base_type = above.base_type;
                column.collation = above.collation;
                column.facts = above.facts;
                if let Some(own) = &mut column.identity {
                    own.options.follow(&column.base_type);
                }
            }
            if above.generated != was.generated {
                column.generated = above.generated;
            }
            Some(column)
        }
        _ => None,
    }
}

/// The parent's column that a child table declares as well. PostgreSQL merges the two, and refuses to alter the child's alone.
fn declared_too(change: &Change) -> Option<ObjectId> {
    match (&change.object.before, &change.object.after, &change.how) {
        (Some(Object::Column(old)), Some(Object::Column(new)), How::InPlace(_))
            if old.lineage.parents == new.lineage.parents =>
        {
            new.lineage.in_parents(&change.id).next()
        }
        _ => None,
    }
}

/// What is left to be said of an inheritor's column that its parent's made what it is.
fn rest(id: &ObjectId, column: &Column, change: &Change) -> Option<Ddl> {
    let Some(Object::Column(wanted)) = &change.object.after else { return None };
    match Column::alter(Pair::new(column, wanted), id) {
        Alter::InPlace(ddl, None) if column != wanted => Some(ddl),
        _ => None,
    }
}

/// The default that a new column's default in a parent brings along.
fn inherited_default(changes: &Changes, id: &ObjectId) -> Option<ObjectId> {
    let column = changes.get(&ObjectId { kind: Kind::Column, path: id.path.clone() })?;
    let (How::Create, Some(Object::Column(definition))) = (&column.how, &column.object.after) else {
        return None;
    };
    definition.lineage.in_parent(&ObjectId { kind: Kind::Default, path: id.path.clone() })
}
