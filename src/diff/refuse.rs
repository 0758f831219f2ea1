//! What PostgreSQL has no way to, whatever the order: said before anything is planned.

use std::{cell::LazyCell, collections::BTreeMap};

use super::{Change, Changes, How, Refusal, attachment_changes};
use crate::{
    catalog::Catalog,
    kind::{Column, Object},
    name::{Kind, ObjectId, Pair},
    sql,
};

/// A column that goes in a parent and is to stay in an inheritor: PostgreSQL makes it the inheritor's own for good.
pub(super) fn orphans(catalogs: Pair<&Catalog>, changes: &Changes, refusals: &mut Vec<Refusal>) {
    for (id, object) in &catalogs.before.objects {
        let Object::Column(column) = object else { continue };
        let Some(parent) = column.lineage.in_parent(id) else { continue };
        let goes = |id: &ObjectId| changes.get(id).is_some_and(|change| change.how == How::Drop);
        let orphaned = column.lineage.in_parents(id).all(|parent| goes(&parent));
        if orphaned && catalogs.after.objects.contains_key(id) && !attachment_changes(changes, id) {
            let why = format!(
                "it is inherited from {parent}, which is dropped, and is to stay; PostgreSQL can do that (ALTER TABLE ONLY … DROP COLUMN) but has no way back"
            );
            refusals.push(Refusal { id: id.clone(), why });
        }
    }
}

/// A composite type that typed tables are of: PostgreSQL alters it only with CASCADE.
pub(super) fn typed(catalogs: Pair<&Catalog>, changes: &Changes, refusals: &mut Vec<Refusal>) {
    for (id, object) in &catalogs.before.objects {
        let Object::Table(table) = object else { continue };
        let stays = !changes.contains_key(id);
        let of = |change: &&Change| {
            matches!(change.object.before, Some(Object::Composite(_)))
                && table.of_type.as_ref() == Some(&crate::sql::qualified(change.id.path.parts()))
        };
        if let Some(change) = changes.values().filter(|_| stays).find(of) {
            let why = format!(
                "{id} is a typed table of it, and PostgreSQL alters such a type only with CASCADE, which trueup never uses"
            );
            refusals.push(Refusal { id: change.id.clone(), why });
        }
    }
}

/// The key of a partition that is the part of an index of the whole, which is no key: PostgreSQL drops neither while they
/// are attached to each other, here or on the way back.
pub(super) fn attached_keys(catalogs: Pair<&Catalog>, changes: &Changes, refusals: &mut Vec<Refusal>) {
    for catalog in [catalogs.before, catalogs.after] {
        for (id, object) in catalog.of_kind(Kind::IndexAttachment) {
            let Object::IndexAttachment(attachment) = object else { continue };
            if !attachment.constraint || attachment.parent_constraint {
                continue;
            }
            let (key, index) = (attachment.child(id), attachment.parent_id());
            let stays = |id: &ObjectId| match changes.get(id).map(|change| &change.how) {
                None | Some(How::InPlace(_)) => true,
                Some(_) => false,
            };
            if !changes.contains_key(&attachment.partition())
                && ![id, &key, &index].into_iter().all(stays)
                && !refusals.iter().any(|refusal| refusal.id == key)
            {
                let why = format!(
                    "its index is the part of {index}, and PostgreSQL drops neither of them while the partition is attached; detach that in a plan before"
                );
                refusals.push(Refusal { id: key, why });
            }
        }
    }
}

/// A column that several parents have: PostgreSQL changes its type in none of them.
pub(super) fn shared(changes: &Changes, refusals: &mut Vec<Refusal>) {
    for change in changes.values() {
        let (Some(Object::Column(old)), Some(Object::Column(new))) =
            (&change.object.before, &change.object.after)
        else {
            continue;
        };
        if old.lineage.parents.len() > 1 && new.lineage.parents.len() > 1 && old.data_type != new.data_type {
            let why =
                "several parents have it, and PostgreSQL cannot change its type in any of them".to_owned();
            refusals.push(Refusal { id: change.id.clone(), why });
        }
    }
}

/// A column of a partition key: PostgreSQL cannot change its type, nor exchange the type that it has.
pub(super) fn keys(catalogs: Pair<&Catalog>, changes: &Changes, refusals: &mut Vec<Refusal>) {
    let retyped = |id: &ObjectId, column: &Column| {
        let change = changes.get(id)?;
        matches!(&change.object.after, Some(Object::Column(new)) if new.data_type != column.data_type).then(
            || (id.clone(), "it is in the partition key, and PostgreSQL cannot change its type".to_owned()),
        )
    };
    let rebuilt = |id: &ObjectId| {
        let mut types = catalogs.before.needs_of(id).map(|need| &need.to);
        let found = types.find(|to| changes.get(*to).is_some_and(|change| change.how == How::Rebuild))?;
        let why = format!(
            "{id} has it and is in a partition key: PostgreSQL cannot put another type in its place, here or on the way back"
        );
        Some((found.clone(), why))
    };
    for (id, object) in &catalogs.before.objects {
        let Object::Column(column) = object else { continue };
        let Some(Object::Table(table)) = id.relation().and_then(|table| catalogs.before.objects.get(&table))
        else {
            continue;
        };
        if !table.partition_by.as_ref().is_some_and(|key| mentions(key, &id.sql())) {
            continue;
        }
        if let Some((id, why)) = retyped(id, column).or_else(|| rebuilt(id)) {
            refusals.push(Refusal { id, why });
        }
    }
}

/// NOT NULL of a parent that gets another name, or that goes, and that something below it keeps from doing so: PostgreSQL
/// does both with all that inherit from it.
pub(super) fn not_null(catalogs: Pair<&Catalog>, changes: &Changes, refusals: &mut Vec<Refusal>) {
    let children = LazyCell::new(|| catalogs.before.children());
    let below = |change: &Change| below(&children, catalogs.before, changes, &change.id);
    for change in changes.values() {
        let (Some(Object::Column(old)), Some(Object::Column(new)), How::InPlace(_)) =
            (&change.object.before, &change.object.after, &change.how)
        else {
            continue;
        };
        let why = match (old.refusal(), new.refusal()) {
            (Some(one), Some(other)) if one.own_name() != other.own_name() => {
                below(change).into_iter().find_map(|(id, column)| {
                    let name = column.refusal()?.name;
                    let why = format!(
                        "its NOT NULL is called {} here and {} in {id}, and PostgreSQL renames both or neither: leave it its name",
                        sql::ident(&one.name),
                        sql::ident(&name)
                    );
                    (old.hands_down_not_null() && name != one.name).then_some(why)
                })
            }
            // before 18 NOT NULL has no name; a partition cannot be left out
            (None, None) if old.not_null != new.not_null => below(change)
                .into_iter()
                .filter(|(_, column)| column.lineage.partition)
                .find_map(|(id, _)| {
                    let key = [catalogs.before, catalogs.after].into_iter().map(|catalog| key_over(catalog, id));
                    let key = key.reduce(|before, after| before.filter(|key| after.as_ref() == Some(key)))??;
                    Some(format!(
                        "{key} has it in a partition, and before 18 PostgreSQL cannot drop NOT NULL above a primary key, here or on the way back"
                    ))
                }),
            _ => None,
        };
        refusals.extend(why.map(|why| Refusal { id: change.id.clone(), why }));
    }
}

/// The columns that have this one from their table's parents, and stay under it.
fn below<'c>(
    children: &BTreeMap<&[String], Vec<ObjectId>>,
    catalog: &'c Catalog,
    changes: &Changes,
    id: &ObjectId,
) -> Vec<(&'c ObjectId, &'c Column)> {
    let mut found: BTreeMap<&ObjectId, &Column> = BTreeMap::new();
    let mut open: Vec<ObjectId> = id.relation().into_iter().collect();
    while let Some(table) = open.pop() {
        for child in children.get(table.path.parts()).into_iter().flatten() {
            let column =
                ObjectId::new(Kind::Column, [child.path.part(0), child.path.part(1), id.path.last()]);
            if let Some((id, Object::Column(column))) = catalog.objects.get_key_value(&column)
                && !attachment_changes(changes, id)
                && found.insert(id, column).is_none()
            {
                open.push(child.clone());
            }
        }
    }
    found.into_iter().collect()
}

/// The primary key that a column is in.
fn key_over(catalog: &Catalog, column: &ObjectId) -> Option<ObjectId> {
    let table = column.relation()?;
    let mut keys = catalog.parts(Kind::Constraint, &table);
    let key = keys.find(|(_, object)| {
        matches!(object, Object::Constraint(key) if key.is_primary_key_over(column.path.last()))
    });
    key.map(|(id, _)| id.clone())
}

/// Whether a name stands in a text by itself, not as a part of another.
fn mentions(text: &str, name: &str) -> bool {
    let part = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == '"');
    text.match_indices(name)
        .any(|(at, _)| !part(text[..at].chars().next_back()) && !part(text[at + name.len()..].chars().next()))
}
