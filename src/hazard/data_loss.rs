//! DATA_LOSS: values that are stored now are gone afterwards.

use super::{Case, Level, Rule};
use crate::{kind::Object, name::Kind};

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
    match (case.object.before?, case.object.after) {
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

/// A cast that loses without an error: fewer digits, less than a timestamp, floating point.
fn narrows(before: &crate::kind::Column, after: &crate::kind::Column) -> bool {
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
    let owner = crate::name::ObjectId { kind: Kind::SequenceOwner, path: case.step.object.path.clone() };
    case.catalogs.before.objects.contains_key(&owner)
}
