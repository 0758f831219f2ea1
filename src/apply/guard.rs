//! What a rollback is to find as it was counted, when it comes to the step that takes it away.

use std::collections::BTreeMap;

use super::cost::{CODE, Cost, is_foreign};
use crate::{
    catalog::Catalog,
    name::{Kind, ObjectId},
    plan::PlannedStep,
    run::Guard,
    sql,
    step::Verb,
};

/// By step what must still not be there: rows of a table that had none, values of a column that nobody had written, where the plan
/// has brought them. A column with a default is not asked again: whether its values are the default's may take code to tell.
pub(super) fn of<'s>(
    steps: impl Iterator<Item = &'s PlannedStep>,
    live: &Catalog,
    costs: &[Cost],
) -> BTreeMap<u32, Guard> {
    let counted = |step: &&PlannedStep| {
        step.undo.hazards.iter().any(|hazard| hazard.code == CODE)
            && step.action == Verb::Create
            && !is_foreign(live, &step.object)
            && !costs.iter().any(|cost| cost.step == step.id)
    };
    let guard = |step: &PlannedStep| {
        let object = &step.object;
        let relation = object.relation_sql();
        let query = match object.kind {
            Kind::Table if live.objects.contains_key(object) => format!("SELECT FROM ONLY {relation}"),
            Kind::Column if live.objects.contains_key(object) => {
                let default = ObjectId { kind: Kind::Default, path: object.path.clone() };
                if live.objects.contains_key(&default) {
                    return None;
                }
                format!("SELECT FROM {relation} WHERE {} IS NOT NULL", sql::ident(object.path.last()))
            }
            _ => return None,
        };
        Some((step.id, Guard { relation, query }))
    };
    steps.filter(counted).filter_map(guard).collect()
}
