//! Two catalogs in, changes out: what has to happen to each object, and to those that cannot stand while it happens.
//!
//! Pure, and without any kind's name in it: objects say how they alter and what they survive. Renames are no matter
//! here: they are applied to the first catalog before it is compared (see `rename`).

mod logged;

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    catalog::{Catalog, Strength},
    kind::{Alter, Column, Constraint, Ddl, Definition, Object, Touch, column::ColumnSettings},
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
    doubt_again(catalogs, &mut changes, &mut touched);
    let circles = logged::circles(catalogs, &changes);
    touched.extend(circles.keys().map(|id| (id.clone(), Touch::Drop)));
    changes.extend(circles);
    propagate(catalogs, &mut changes, touched, &mut refusals);
    refuse_orphans(catalogs, &changes, &mut refusals);
    refuse_typed(catalogs, &changes, &mut refusals);
    refuse_shared(&changes, &mut refusals);
    refuse_keys(catalogs, &changes, &mut refusals);
    hand_over(catalogs, &mut changes);
    imply(&mut changes);
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

/// A partition's copy of a check that was validated and is not to be: no more can be done than to have the whole's anew.
fn doubt_again(catalogs: Pair<&Catalog>, changes: &mut Changes, touched: &mut Vec<(ObjectId, Touch)>) {
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
    let needed = |strength: Strength| -> BTreeSet<(&ObjectId, &ObjectId)> {
        let needs = catalogs.after.needs.iter().filter(|need| need.strength == strength);
        needs.map(|need| (&need.from, &need.to)).collect()
    };
    let (needed, every_column) = (needed(Strength::Hard), needed(Strength::EveryColumn));
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
        let known = held.iter().filter_map(|id| catalogs.before.objects.get_key_value(id).map(|(id, _)| id));
        for dependent in dependents.get(&id).into_iter().flatten().copied().chain(known) {
            let (Some(old), Some(new)) =
                (catalogs.before.objects.get(dependent), catalogs.after.objects.get(dependent))
            else {
                continue;
            };
            if old.survives(touch) {
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

/// A column that goes in a parent and is to stay in an inheritor: PostgreSQL makes it the inheritor's own for good.
fn refuse_orphans(catalogs: Pair<&Catalog>, changes: &Changes, refusals: &mut Vec<Refusal>) {
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
fn refuse_typed(catalogs: Pair<&Catalog>, changes: &Changes, refusals: &mut Vec<Refusal>) {
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

/// A column that several parents have: PostgreSQL changes its type in none of them.
fn refuse_shared(changes: &Changes, refusals: &mut Vec<Refusal>) {
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
fn refuse_keys(catalogs: Pair<&Catalog>, changes: &Changes, refusals: &mut Vec<Refusal>) {
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

/// Whether a name stands in a text by itself, not as a part of another.
fn mentions(text: &str, name: &str) -> bool {
    let part = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == '"');
    text.match_indices(name)
        .any(|(at, _)| !part(text[..at].chars().next_back()) && !part(text[at + name.len()..].chars().next()))
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
        Object::Column(column) => column.generated.is_none(),
        _ => false,
    }
}

/// A constraint that an inheritor has only from its parent goes with the parent's: if it is to be the inheritor's own, it
/// comes anew. And its own goes before it gets the parent's: else that would be merged into it.
fn hand_over(catalogs: Pair<&Catalog>, changes: &mut Changes) {
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
fn imply(changes: &mut Changes) {
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
                _ => column.lineage.in_parent(id),
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
    let alike = parent.object.after == change.object.after || is_proven_copy(change, parent);
    match (&change.how, &parent.how) {
        // a check that becomes NO INHERIT, or ceases to be, is replaced in the parent only
        (How::Drop, How::Drop | How::Replace) => change.object.after.is_none(),
        (How::Create, How::Replace) => alike,
        // the parent's own has taken the place of what it had from above
        (How::Replace, How::Create | How::Drop) => parent.object.before.is_some() && alike,
        (how, parent) => std::mem::discriminant(how) == std::mem::discriminant(parent) && alike,
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
    // whether partitions have the identity, too, the server's version says
    let identity = if new.identity == above.identity { above.identity.clone() } else { None };
    match (&change.how, &parent.how) {
        (How::Create, How::Create) => {
            let not_null = above.hands_down_not_null();
            let settings = ColumnSettings::default();
            Some(Column { identity, settings, not_null, not_null_as: None, lineage: new.lineage, ..above })
        }
        (How::InPlace(_), How::InPlace(_)) => {
            let (mut column, was) = (column(&change.object.before)?, column(&parent.object.before)?);
            if above.hands_down_not_null() != was.hands_down_not_null() {
                column.not_null = above.hands_down_not_null();
            }
            if above.data_type != was.data_type || above.collation != was.collation {
                column.data_type = above.data_type;
                column.base_type = above.base_type;
                column.collation = above.collation;
                column.facts = above.facts;
            }
            if above.generated != was.generated {
                column.generated = above.generated;
            }
            if above.identity != was.identity && new.identity.is_some() {
                column.identity = identity;
            }
            Some(column)
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

/// Why there is no way from one catalog to the other.
#[derive(Debug, thiserror::Error)]
pub enum DiffError {
    /// Objects that cannot become what they should.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Refused(Vec<Refusal>),
    /// Changes that need each other in a circle.
    #[error(transparent)]
    Cycle(#[from] crate::graph::Cycle),
}

impl From<Vec<Refusal>> for DiffError {
    fn from(refusals: Vec<Refusal>) -> Self {
        Self::Refused(refusals)
    }
}
