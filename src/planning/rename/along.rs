//! What is renamed without a word of its own: multiranges and the sequences of identity columns, which are nothing but
//! a name; and in a table or domain that is renamed, or whose columns are, what is otherwise the same and is called
//! after them: keys, checks, indexes, sequences of serials.

use std::collections::{BTreeMap, BTreeSet};

use super::{Slot, Subject, in_order, named, slots, step};
use crate::{
    catalog::Catalog,
    kind::{Ddl, Object},
    name::{Kind, ObjectId, Pair},
    sql,
    step::{Step, Verb},
};

/// The steps behind those of the annotations, which the first catalog knows already.
pub(in crate::planning) fn along(renames: &[Step], catalogs: Pair<&Catalog>) -> Vec<Step> {
    let renamed: BTreeSet<&[String]> = renames
        .iter()
        .filter(|step| step.verb == Verb::Rename)
        .filter(|step| matches!(step.object.kind, Kind::Table | Kind::Domain | Kind::Column))
        .filter_map(|step| step.object.path.parts().get(..2))
        .collect();
    let mut pairs: BTreeMap<Role, Pair<Vec<&ObjectId>>> = BTreeMap::new();
    let (before, after) = (roles(catalogs.before, &renamed), roles(catalogs.after, &renamed));
    for (id, role) in before.iter().filter(|(id, role)| after.get(*id) != Some(role)) {
        pairs.entry(role.clone()).or_insert_with(|| Pair::new(Vec::new(), Vec::new())).before.push(*id);
    }
    for (id, role) in after.iter().filter(|(id, role)| before.get(*id) != Some(role)) {
        pairs.entry(role.clone()).or_insert_with(|| Pair::new(Vec::new(), Vec::new())).after.push(*id);
    }
    let pairs = pairs.values().filter_map(|pair| match (&*pair.before, &*pair.after) {
        ([old], [new]) => Some((*old, *new)),
        _ => None,
    });
    let subjects = pairs.filter_map(|(old, new)| Subject::along(old, new, catalogs.before)).collect();
    let mut steps = in_order(&free(subjects, catalogs.before));
    steps.extend(multiranges(catalogs));
    steps
}

/// What an object is but for its name: its kind, what it is part of, and its definition.
type Role = (Kind, Vec<String>, String);

fn roles<'c>(catalog: &'c Catalog, renamed: &BTreeSet<&[String]>) -> BTreeMap<&'c ObjectId, Role> {
    let found = catalog.objects.iter().filter_map(|(id, object)| {
        let (within, definition): (&[String], _) = match object {
            Object::IdentitySequence(sequence) => (&sequence.column, String::new()),
            Object::SequenceOwner(owner) => (&owner.column, String::new()),
            Object::Constraint(_) | Object::DomainConstraint(_) => {
                (id.path.parts().get(..2)?, object.to_json())
            }
            Object::Index(_) => (id.path.parts().get(..1)?, object.to_json()),
            _ => return None,
        };
        let container = match object {
            Object::Index(index) => &index.table,
            _ => within.get(..2)?,
        };
        let known = renamed.contains(container) || id.kind == Kind::IdentitySequence;
        known.then(|| (id, (id.kind, within.to_vec(), definition)))
    });
    // a sequence has the role of its owner
    found
        .filter_map(|(id, role)| match id.kind {
            Kind::SequenceOwner => {
                let sequence = ObjectId { kind: Kind::Sequence, path: id.path.clone() };
                Some((catalog.objects.get_key_value(&sequence)?.0, role))
            }
            _ => Some((id, role)),
        })
        .collect()
}

/// Those whose new names nobody has who keeps it.
fn free<'a>(mut subjects: Vec<Subject<'a>>, before: &Catalog) -> Vec<Subject<'a>> {
    loop {
        let moves: BTreeSet<&ObjectId> = subjects.iter().map(|subject| &subject.old).collect();
        // the sequence of an identity column is an object of its own here
        let stay = before.objects.iter().filter(|(id, _)| id.kind != Kind::Column && !moves.contains(id));
        let taken: BTreeSet<Slot> = stay.flat_map(|(id, object)| slots(id, object)).collect();
        let all = subjects.len();
        subjects.retain(|subject| !subject.slots(&subject.to).iter().any(|slot| taken.contains(slot)));
        if subjects.len() == all {
            return subjects;
        }
    }
}

fn multiranges(catalogs: Pair<&Catalog>) -> Vec<Step> {
    let mut steps = Vec::new();
    for (id, object) in &catalogs.after.objects {
        let (Some(Object::Range(old)), Object::Range(new)) = (catalogs.before.objects.get(id), object) else {
            continue;
        };
        if old.multirange != new.multirange {
            let rename = |from: &str, to: &str| Ddl::Statements(new.rename_multirange(id, from, to));
            let (from, to) = (&old.multirange, &new.multirange);
            let summary = format!("rename multirange {} of {id} to {}", sql::ident(from), sql::ident(to));
            steps.push(step(id.clone(), summary, rename(from, to), rename(to, from)));
        }
    }
    steps
}

impl<'a> Subject<'a> {
    fn along(old: &ObjectId, new: &ObjectId, before: &'a Catalog) -> Option<Self> {
        let name = |id: &ObjectId| id.path.last().to_owned();
        let (from, to) = (name(old), name(new));
        let object = before.objects.get(old);
        // only within the same schema or relation
        (*old == named(new, &from)).then(|| Self {
            annotation: None,
            from,
            to,
            new: new.clone(),
            old: old.clone(),
            taken: new.clone(),
            object,
            parts: None,
        })
    }
}
