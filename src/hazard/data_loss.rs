//! DATA_LOSS: values that are stored now are gone afterwards.

use std::collections::BTreeSet;

use super::{Case, Level, Rule};
use crate::{
    kind::{Column, Object},
    lower::{self, Types},
    name::{Kind, ObjectId, Pair},
    step::Verb,
};

pub(super) const RULE: Rule = Rule {
    code: "DATA_LOSS",
    level: Level::Danger,
    about: None,
    explanation: "Values that are stored now are gone afterwards; undoing the step brings back the structure, not them.",
    advice: "keep a backup of the values, or leave the object until nobody misses it",
    find,
    offline: |plan| plan.loses,
};

fn find(case: &Case<'_>) -> Option<String> {
    let id = &case.step.object;
    // a table or column that comes in several steps goes with the undo of the first
    let goes = if case.undo { Verb::Create } else { Verb::Drop };
    let goes = [goes, Verb::Replace].contains(&case.step.verb);
    match (case.object.before, case.object.after) {
        (None, Some(after)) => comes_back(case, id, after),
        (Some(_), None) if !goes => None,
        (Some(before), after) => is_lost(case, id, before, after),
        (None, None) => None,
    }
}

/// What had rows or values is there again, without them.
fn comes_back(case: &Case<'_>, id: &ObjectId, after: &Object) -> Option<String> {
    let came_back = case.undo && case.step.verb == Verb::Drop;
    match after {
        Object::Table(table) if came_back && table.foreign.is_none() && case.had_rows(&id.sql()) => {
            Some(format!("{id} comes back empty{}", case.rows(&id.sql())))
        }
        Object::Column(column) if came_back && column.generated.is_none() => {
            let default = ObjectId { kind: Kind::Default, path: id.path.clone() };
            let value = match case.catalogs.after.objects.get(&default) {
                Some(Object::Default(default)) => default.expression.as_str(),
                _ if column.identity.is_some() => "a new number",
                _ => "NULL",
            };
            Some(format!("{id} comes back as {value} in every row"))
        }
        _ => None,
    }
}

fn is_lost(case: &Case<'_>, id: &ObjectId, before: &Object, after: Option<&Object>) -> Option<String> {
    match (before, after) {
        (Object::Table(table), None) if table.foreign.is_none() => {
            let name = id.sql();
            Some(format!("dropping {id} loses its rows{}", case.rows(&name)))
        }
        (Object::Column(column), None) if column.generated.is_none() => {
            let table = id.relation_sql();
            let lost = format!("dropping {id} loses its values{}", case.rows(&table));
            // a rehearsal without rows does not show it
            let stuck = !case.undo && case.is_refused_without_value(id, column);
            Some(if stuck {
                format!(
                    "{lost}; it is NOT NULL and has no default, so that the undo fails while there are rows"
                )
            } else {
                lost
            })
        }
        (Object::Sequence(_), None) if !goes_with_column(case) => {
            Some(format!("dropping {id} loses its position"))
        }
        (Object::Enum(before), Some(Object::Enum(after))) => {
            let gone: Vec<&str> =
                before.labels.iter().filter(|l| !after.labels.contains(l)).map(String::as_str).collect();
            (!gone.is_empty())
                .then(|| format!("{id} loses {}: it fails while a row holds one of them", gone.join(", ")))
        }
        (Object::Column(before), Some(Object::Column(after)))
            if before.generated.is_none() && after.generated.is_some() =>
        {
            Some(format!("making {id} generated loses the values that it has"))
        }
        (Object::Column(before), Some(Object::Column(after))) if case.step.verb == Verb::Alter => {
            column_narrows(case, before, after)
        }
        (before, Some(after)) => type_narrows(case, before, after).filter(|_| is_stored(case, id)),
        _ => None,
    }
}

/// What a column loses that gets another type.
fn column_narrows(case: &Case<'_>, before: &Column, after: &Column) -> Option<String> {
    let computed = before.generated.is_some() || after.facts.foreign;
    if computed || before.data_type == after.data_type {
        return None;
    }
    let id = &case.step.object;
    let (old, new) = (&before.data_type, &after.data_type);
    if lower::is_computed(case.does, case.undo, id) {
        return Some(format!(
            "{id} from {old} to {new} loses values that cannot be told from what @convert computes of them"
        ));
    }
    let why = loses(case, old, new)?;
    Some(format!("{id} from {old} to {new} can lose values: {why}"))
}

/// What the values of a type that changes lose, wherever they are stored.
fn type_narrows(case: &Case<'_>, before: &Object, after: &Object) -> Option<String> {
    let id = &case.step.object;
    let changes = |old: &str, new: &str| {
        let why = loses(case, old, new)?;
        Some(format!("{id} from {old} to {new} can lose values that are stored: {why}"))
    };
    match (before, after) {
        (Object::Domain(before), Object::Domain(after)) => changes(&before.base, &after.base),
        (Object::Range(before), Object::Range(after)) => changes(&before.subtype, &after.subtype),
        (Object::Composite(before), Object::Composite(after)) => {
            let (old, new) = (Types::of(case.catalogs.before), Types::of(case.catalogs.after));
            let lost = lower::lost_of_composite(Pair::new(before, after), id, Pair::new(&old, &new));
            (!lost.is_empty()).then(|| {
                format!("{id} loses {}: the values in every row that has one of it", lost.join(", "))
            })
        }
        _ => None,
    }
}

fn loses(case: &Case<'_>, before: &str, after: &str) -> Option<&'static str> {
    let (old, new) = (Types::of(case.catalogs.before), Types::of(case.catalogs.after));
    lower::lost(Pair::new(before, after), Pair::new(&old, &new))
}

/// Whether a column has values of a type, or of what is made of it.
fn is_stored(case: &Case<'_>, of: &ObjectId) -> bool {
    let catalog = case.catalogs.before;
    let mut seen = BTreeSet::new();
    let mut next = vec![of];
    while let Some(id) = next.pop() {
        let users = catalog.needs.iter().filter(|need| need.to == *id).map(|need| &need.from);
        for user in users.filter(|user| seen.insert(*user)) {
            match user.kind {
                Kind::Column => return true,
                Kind::Composite | Kind::Domain | Kind::Range => next.push(user),
                _ => {}
            }
        }
    }
    false
}

/// Whether a column that the sequence belongs to goes as well: then nobody counts with it any more.
fn goes_with_column(case: &Case<'_>) -> bool {
    let owner = ObjectId { kind: Kind::SequenceOwner, path: case.step.object.path.clone() };
    case.catalogs.before.objects.contains_key(&owner)
}
