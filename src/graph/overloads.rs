//! Functions of one name. A call by name means one of them, or a conversion to the type of that name, and which one depends
//! on those that are there: they come and go in an order in which every call means what it should.

use super::{
    Act,
    edges::{Before, Find},
};
use crate::{
    catalog::{Catalog, Dependency},
    diff::Changes,
    kind::{Function, Object},
    name::{Kind, ObjectId, Pair},
};

/// What comes before what among functions of one name and their users.
pub(super) fn order(catalogs: Pair<&Catalog>, changes: &Changes, find: &Find<'_>, before: &mut Before<'_>) {
    // of two that could be meant by one call, the one that goes is gone first
    for change in changes.values() {
        let Some(Object::Function(new)) = &change.object.after else { continue };
        for other in of_its_name(changes, &change.id) {
            let old = changes.get(other).and_then(|other| other.object.before.as_ref());
            if matches!(old, Some(Object::Function(old)) if ambiguous((other, old), (&change.id, new))) {
                before(find(other, Act::Drop), find(&change.id, Act::Create), false);
            }
        }
    }
    // no other is there when a call of a polymorphic one is written out
    for Dependency { from: user, to: used, .. } in calls(catalogs.after, changes) {
        for other in of_its_name(changes, used) {
            for act in [Act::Create, Act::Alter] {
                before(find(other, Act::Drop), find(user, act), false);
            }
        }
    }
    // nor when it is written out again on the way back
    for Dependency { from: user, to: used, .. } in calls(catalogs.before, changes) {
        for other in of_its_name(changes, used) {
            for act in [Act::Drop, Act::Alter] {
                before(find(user, act), find(other, Act::Create), false);
            }
        }
    }
}

/// Who changes and calls a polymorphic function. Calls of others are printed with casts to what their arguments are, and such
/// a call means no other function (manual 10.3, step 2); arguments of a polymorphic one are printed as they are.
fn calls<'a>(catalog: &'a Catalog, changes: &'a Changes) -> impl Iterator<Item = &'a Dependency> {
    let polymorphic = |id: &ObjectId| {
        is_routine(id) && id.path.part(2).split(", ").any(|argument| argument.starts_with("any"))
    };
    catalog.needs.iter().filter(move |need| polymorphic(&need.to) && changes.contains_key(&need.from))
}

/// What is written `name(argument)`: a conversion too (manual 10.3, step 3).
const CALLED: [Kind; 6] =
    [Kind::Function, Kind::Aggregate, Kind::Enum, Kind::Domain, Kind::Composite, Kind::Range];

fn is_routine(id: &ObjectId) -> bool {
    matches!(id.kind, Kind::Function | Kind::Aggregate)
}

/// What a call by this function's name could mean, too: the functions, aggregates and types of that name among the changes.
fn of_its_name<'a>(changes: &'a Changes, id: &ObjectId) -> impl Iterator<Item = &'a ObjectId> {
    let name: Vec<String> = id.path.parts()[..2].to_vec();
    let from = |kind| ObjectId { kind, path: name.clone().into() };
    let lists = CALLED.map(|kind| {
        let name = name.clone();
        let ids = changes.range(from(kind)..).map(|(id, _)| id);
        ids.take_while(move |other| other.kind == kind && other.path.parts().starts_with(&name))
    });
    let id = id.clone();
    lists.into_iter().flatten().filter(move |other| **other != id)
}

/// Whether a call of one of these functions of one name could mean the other, too, by the other's defaults: PostgreSQL refuses it
/// (manual, CREATE FUNCTION, "Overloading").
fn ambiguous(one: (&ObjectId, &Function), other: (&ObjectId, &Function)) -> bool {
    let covers = |long: (&ObjectId, &Function), short: (&ObjectId, &Function)| {
        let more = long.0.path.part(2).strip_prefix(short.0.path.part(2));
        long.1.defaults > 0
            && more.is_some_and(|more| more.starts_with(", ") || short.0.path.part(2).is_empty())
    };
    covers(one, other) || covers(other, one)
}
