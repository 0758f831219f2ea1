//! Changes that need more than SQL can say of the end: what annotations ask for, and what is refused where the way
//! there is not built yet.

use std::collections::{BTreeMap, BTreeSet};

use tokio_postgres::error::SqlState;

use super::{Inputs, PlanningError, live_names::LiveNames};
use crate::{
    annotation::{Annotation, AnnotationTarget},
    catalog::Catalog,
    diff::{Changes, How},
    kind::{Object, Table, column::through_text},
    lower::{Conversion, Fill},
    name::{Kind, ObjectId},
    postgres::Session,
};

/// The column that it is on, if it is on one.
pub(super) fn column_of(annotation: &Annotation) -> Option<ObjectId> {
    match &annotation.target {
        AnnotationTarget::Object { kinds, path } if kinds.contains(&Kind::Column) => {
            Some(ObjectId::new(Kind::Column, path.clone()))
        }
        _ => None,
    }
}

/// The annotations with the values that they name, of which those are needed that are on columns that change. `used` gets
/// where each went.
pub(super) fn with_values(
    annotations: Vec<Annotation>,
    changes: &Changes,
    values: &BTreeMap<String, String>,
    used: &mut BTreeMap<String, BTreeSet<String>>,
) -> Result<Vec<Annotation>, PlanningError> {
    let mut filled = |annotation: Annotation| {
        let Some(column) = column_of(&annotation).filter(|column| is_pending(column, changes)) else {
            return Ok(annotation);
        };
        for name in annotation.instruction.names_of_values() {
            used.entry(name.to_owned()).or_default().insert(column.to_string());
        }
        let instruction = annotation.instruction.with_values(values).map_err(|name| {
            let (at, word) = (annotation.at.to_string(), annotation.instruction.word());
            let given = format!(
                "give it in trueup.toml: [env.NAME] values = {{ {name} = \"…\" }}, and plan with --env"
            );
            PlanningError::Annotation {
                at,
                why: format!("@{word}: there is no value for ${{{name}}}\n  {given}"),
            }
        })?;
        Ok(Annotation { instruction, ..annotation })
    };
    annotations.into_iter().map(&mut filled).collect()
}

/// Whether a column changes in a table that is there.
pub(super) fn is_pending(column: &ObjectId, changes: &Changes) -> bool {
    let comes = |table: &ObjectId| changes.get(table).is_some_and(|table| table.how == How::Create);
    changes.contains_key(column) && !column.relation().is_some_and(|table| comes(&table))
}

/// A NOT NULL column without a value for the rows that are there would only fail when it is applied.
pub(super) async fn refuse_missing_values(
    inputs: &Inputs<'_>,
    changes: &Changes,
    catalog: &Catalog,
    live_names: &LiveNames,
    fills: &BTreeMap<ObjectId, Fill>,
) -> Result<(), PlanningError> {
    let mut wrong = Vec::new();
    let unfilled = changes.values().filter(|change| !fills.contains_key(&change.id));
    for (id, table) in
        unfilled.filter_map(|change| valueless(change, changes).map(|table| (&change.id, table)))
    {
        let Some(name) = live_names.of(&table).filter(|_| catalog.objects.contains_key(&table)) else {
            continue;
        };
        let rows = match inputs.has_rows(&name).await? {
            Some(false) => continue,
            Some(true) => "has rows",
            None if inputs.from.is_some() => "may have rows",
            None => "may have rows that this role does not see",
        };
        wrong.push(format!("{id} is NOT NULL without a default, and {table} {rows}"));
    }
    if wrong.is_empty() { Ok(()) } else { Err(PlanningError::NeedsValue(wrong)) }
}

/// Types between which PostgreSQL has no cast: found out on scratch, where both are known. A type that the plan makes
/// is not there yet, and says something else.
pub(super) async fn refuse_uncastable(
    clone: &Session,
    changes: &Changes,
    conversions: &BTreeMap<ObjectId, Conversion>,
) -> Result<(), PlanningError> {
    let mut wrong = Vec::new();
    let by_cast = changes.values().filter(|change| !conversions.contains_key(&change.id));
    for change in by_cast.filter(|change| matches!(change.how, How::InPlace(_))) {
        let (Some(Object::Column(before)), Some(Object::Column(after))) =
            (&change.object.before, &change.object.after)
        else {
            continue;
        };
        if before.base_type == after.base_type || after.facts.foreign {
            continue;
        }
        let through = through_text(&before.facts.plain_type, &after.facts.plain_type);
        let query = format!("SELECT NULL::{}{through}::{}", before.data_type, after.data_type);
        let result = clone.client().batch_execute(&query).await;
        if result.is_err_and(|error| error.code() == Some(&SqlState::CANNOT_COERCE)) {
            wrong.push(format!("{} from {} to {}", change.id, before.data_type, after.data_type));
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(PlanningError::NoCast(wrong)) }
}

/// The existing table that gets such a column.
fn valueless(change: &crate::diff::Change, changes: &Changes) -> Option<ObjectId> {
    let Some(Object::Column(column)) = &change.object.after else { return None };
    let filled = column.identity.is_some()
        || column.generated.is_some()
        || changes.contains_key(&ObjectId { kind: Kind::Default, path: change.id.path.clone() });
    let new = change.how == How::Create && column.has_no_null() && !filled;
    let fresh = |table: &ObjectId| changes.get(table).is_some_and(|table| table.how == How::Create);
    change.id.relation().filter(|table| new && !fresh(table))
}

/// Whether the table is partitioned by the column, or may be.
pub(super) fn in_partition_key(table: &Table, column: &ObjectId) -> bool {
    table.partition_by.as_ref().is_some_and(|key| key.contains(&column.sql()))
}

/// A column in its table, and in all that have it from there: partitions, inheritors, and theirs.
pub(super) fn family(column: &ObjectId, catalog: &Catalog) -> Vec<ObjectId> {
    let mut family = vec![column.clone()];
    let mut at = 0;
    while let Some(parent) = family.get(at).cloned() {
        at += 1;
        let below = catalog.objects.iter().filter_map(|(id, object)| match object {
            Object::Column(copy) if id.path.last() == column.path.last() => {
                copy.lineage.parents.iter().any(|it| it[..] == parent.path.parts()[..2]).then_some(id)
            }
            _ => None,
        });
        let new: Vec<ObjectId> = below.filter(|id| !family.contains(id)).cloned().collect();
        family.extend(new);
    }
    family
}

/// The expression that a function selects as `trueup_value`, out of what `pg_get_function_sqlbody` says. (It begins a line of
/// its own where it is CASE.)
pub(super) fn selected(definition: &str) -> Option<String> {
    let text = definition.strip_prefix("BEGIN ATOMIC")?.trim_start().strip_prefix("SELECT")?;
    let end = text.rfind(" AS trueup_value\n")?;
    Some(text[..end].trim_start().to_owned())
}
