//! What a rollback is to find as it was counted, when it comes to the step that takes it away.

use std::collections::BTreeMap;

use super::cost::{CODE, Cost, Origin, is_foreign};
use crate::{
    catalog::Catalog,
    name::{Kind, ObjectId},
    plan::PlannedStep,
    run::Guard,
    step::{LossCount, Verb},
};

/// By step what must still not be there: rows of a table that had none, values of a column that nobody had written, where the plan
/// has brought them, and values that the old type of a column does not hold. A column with a default is not asked again: whether
/// its values are the default's may take code to tell. Nor is a type that several tables store.
pub(super) fn of<'s>(
    steps: impl Iterator<Item = &'s PlannedStep>,
    counts: &[LossCount],
    live: &Catalog,
    costs: &[Cost],
) -> BTreeMap<u32, Guard> {
    let nothing_lost = |step: &&PlannedStep| !costs.iter().any(|cost| cost.step == step.id);
    let comes = |step: &&PlannedStep| {
        step.undo.hazards.iter().any(|hazard| hazard.code == CODE)
            && step.action == Verb::Create
            && !is_foreign(live, &step.object)
    };
    let of_type = |step: &PlannedStep| {
        let mut own = counts.iter().filter(|count| count.step == step.id);
        let (count, None) = (own.next()?, own.next()) else { return None };
        let query = format!("SELECT FROM ({}) AS counted (lost, all_rows) WHERE lost > 0", count.sql);
        Some((step.id, Guard { relation: count.relation.clone(), query }))
    };
    let of_new = |step: &PlannedStep| {
        let object = &step.object;
        let relation = object.relation_sql();
        let query = match object.kind {
            Kind::Table if live.objects.contains_key(object) => format!("SELECT FROM ONLY {relation}"),
            Kind::Column if live.objects.contains_key(object) => {
                let default = ObjectId { kind: Kind::Default, path: object.path.clone() };
                if live.objects.contains_key(&default) {
                    return None;
                }
                let Origin { value, rows, is_first } = Origin::of(object);
                format!("SELECT FROM {rows} WHERE {value} IS NOT NULL AND ({is_first}) IS NOT TRUE")
            }
            _ => return None,
        };
        Some((step.id, Guard { relation, query }))
    };
    let guard = |step: &'s PlannedStep| of_type(step).or_else(|| of_new(step).filter(|_| comes(&step)));
    steps.filter(nothing_lost).filter_map(guard).collect()
}
