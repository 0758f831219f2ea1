//! Batches: which steps share a transaction.
//!
//! Steps that change only the catalog share one, one existing table's strong locks at a time. What was dropped to come
//! back stays in one transaction until it is back, so that nobody sees it missing. A step that cannot run in a
//! transaction has a batch of its own, and so has what must be committed before its use (an enum's label) or must
//! not hold strong locks while it reads a table (VALIDATE).

use std::collections::BTreeSet;

use crate::{
    catalog::Catalog,
    diff::{Changes, How},
    kind::Object,
    name::{Kind, ObjectId, Pair},
    step::{Step, Verb},
};

/// Numbers the batches.
pub fn number(steps: &mut [Step], catalogs: Pair<&Catalog>, changes: &Changes) {
    let mut batch = 0;
    let mut previous: Option<Alone> = None;
    let mut table: Option<ObjectId> = None;
    let mut phase = None;
    let mut missing: BTreeSet<ObjectId> = BTreeSet::new();
    for step in steps.iter_mut() {
        let alone = alone(step, changes);
        let locks = locked_table(step, catalogs.before);
        let moves_on = matches!((&table, &locks), (Some(held), Some(wanted)) if held != wanted);
        let breaks = previous.is_none_or(|previous| previous != alone || previous == Alone::Always)
            || phase != Some(step.phase)
            || moves_on && missing.is_empty();
        if breaks {
            batch += 1;
            table = None;
        }
        table = locks.or(table);
        phase = Some(step.phase);
        previous = Some(alone);
        if changes.get(&step.object).is_some_and(|change| change.how == How::Replace) {
            // the first of its steps drops it, the next brings it back
            if !missing.remove(&step.object) && step.verb == Verb::Replace {
                missing.insert(step.object.clone());
            }
        }
        step.batch = batch;
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Alone {
    /// Shares a transaction with its like.
    No,
    /// Shares a transaction with nobody.
    Always,
    /// Shares a transaction with other new labels.
    Labels,
}

fn alone(step: &Step, changes: &Changes) -> Alone {
    let in_place = matches!(changes.get(&step.object), Some(change) if matches!(change.how, How::InPlace(_)));
    match step.verb {
        _ if !step.run.transactional || !step.undo.transactional => Alone::Always,
        Verb::Validate => Alone::Always,
        Verb::Alter if step.object.kind == Kind::Enum && in_place => Alone::Labels,
        _ => Alone::No,
    }
}

/// The existing table on which the step takes a strong lock.
fn locked_table(step: &Step, before: &Catalog) -> Option<ObjectId> {
    let table = match step.object.kind {
        Kind::Table => Some(step.object.clone()),
        Kind::Index => before.objects.get(&step.object).and_then(|object| match object {
            Object::Index(index) => Some(index.relation()),
            _ => None,
        }),
        _ => step.object.relation(),
    };
    table.filter(|table| before.objects.contains_key(table))
}
