//! DATA_LOSS: values that are stored now are gone afterwards.

use std::collections::BTreeSet;

use super::{Case, Level, Rule};
use crate::{
    kind::{Column, Object},
    name::{Kind, ObjectId},
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
        (Object::Composite(before), Some(Object::Composite(after))) => {
            let gone: Vec<&str> = before.attributes_gone(after).collect();
            let lost =
                || format!("{id} loses {}: the values in every row that has one of it", gone.join(", "));
            (!gone.is_empty() && is_stored(case, id)).then(lost)
        }
        (Object::Column(before), Some(Object::Column(after)))
            if before.generated.is_none() && after.generated.is_some() =>
        {
            Some(format!("making {id} generated loses the values that it has"))
        }
        (Object::Column(before), Some(Object::Column(after))) if before.data_type != after.data_type => {
            narrows(before, after).then(|| {
                format!(
                    "{id} from {} to {} can round or cut what does not fit",
                    before.data_type, after.data_type
                )
            })
        }
        _ => None,
    }
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

/// A cast that loses without an error: fewer digits, less than a timestamp, floating point.
fn narrows(before: &Column, after: &Column) -> bool {
    const FRACTIONS: [&str; 4] = ["numeric", "real", "double precision", "money"];
    const WHOLE: [&str; 3] = ["smallint", "integer", "bigint"];
    const MOMENTS: [&str; 2] = ["timestamp without time zone", "timestamp with time zone"];
    let (old, new) = (before.base_type.as_str(), after.base_type.as_str());
    let fraction =
        FRACTIONS.contains(&old) && (WHOLE.contains(&new) || FRACTIONS.contains(&new) && old != new);
    let moment =
        MOMENTS.contains(&old) && !MOMENTS.contains(&new) && !["text", "character varying"].contains(&new);
    let digits = old == new
        && after.facts.decimals.is_some_and(|kept| before.facts.decimals.is_none_or(|digits| digits > kept));
    fraction || moment || digits
}

/// Whether a column that the sequence belongs to goes as well: then nobody counts with it any more.
fn goes_with_column(case: &Case<'_>) -> bool {
    let owner = ObjectId { kind: Kind::SequenceOwner, path: case.step.object.path.clone() };
    case.catalogs.before.objects.contains_key(&owner)
}
