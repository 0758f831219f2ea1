//! Batches: which steps share a transaction.
//!
//! Steps that change only the catalog share one, one existing table's or view's strong locks at a time: who reads a view
//! locks it before what it is over, and would wait for the batch while that waits for him. What was dropped to come
//! back stays in one transaction until it is back, so that nobody sees it missing. A step that cannot run in a
//! transaction has a batch of its own, and so has what must be committed before its use (an enum's label) or must
//! not hold strong locks while it reads a table (VALIDATE).

use super::draft::Draft;
use crate::{
    catalog::Catalog,
    diff::{Changes, How},
    kind::Object,
    name::{Kind, ObjectId, Pair},
    step::{Action, Step, Verb},
};

/// Numbers the batches of drafts, which say whether they share the transaction of the one before.
pub(super) fn number(steps: Vec<(Draft, bool)>, catalogs: Pair<&Catalog>, changes: &Changes) -> Vec<Step> {
    let mut batch = 0;
    let mut previous: Option<Alone> = None;
    let mut relation: Option<ObjectId> = None;
    let mut phase = None;
    let mut steps = steps.into_iter().peekable();
    let mut numbered = Vec::new();
    while let Some((step, within)) = steps.next() {
        let alone = alone(&step, within, changes);
        let locks = locked_relation(&step, catalogs);
        let begins = !within && steps.peek().is_some_and(|(_, within)| *within);
        let moves_on = match (&relation, &locks) {
            (Some(held), Some(wanted)) => held != wanted,
            // what goes with it to come back may be of another relation
            (Some(_), None) => begins,
            _ => false,
        };
        let breaks = previous.is_none_or(|previous| previous != alone || previous == Alone::Always)
            || phase != Some(step.phase)
            || moves_on && !within;
        if breaks {
            batch += 1;
            relation = None;
        }
        relation = locks.or(relation);
        phase = Some(step.phase);
        previous = Some(alone);
        numbered.push(step.into_step(batch));
    }
    numbered
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

fn alone(step: &Draft, within: bool, changes: &Changes) -> Alone {
    let in_place = matches!(changes.get(&step.object), Some(change) if matches!(change.how, How::InPlace(_)));
    match step.verb {
        _ if !step.is_transactional() => Alone::Always,
        _ if reads_all(step) || step.builds_view() && !within => Alone::Always,
        // it begins with the locks that it needs
        Verb::Create if step.object.kind == Kind::Attachment && step.run.sql.len() > 1 => Alone::Always,
        Verb::Alter if step.object.kind == Kind::Enum && in_place => Alone::Labels,
        _ => Alone::No,
    }
}

/// Whether it reads a table, there or back, and is to hold no strong lock meanwhile.
fn reads_all(step: &Draft) -> bool {
    let reads = |action: &Action| action.operation.reads_all();
    reads(&step.run) || step.undo().is_some_and(reads)
}

/// The existing relation on which the step takes a strong lock.
fn locked_relation(step: &Draft, catalogs: Pair<&Catalog>) -> Option<ObjectId> {
    let relation = match step.object.kind {
        Kind::Table | Kind::View | Kind::MaterializedView => Some(step.object.clone()),
        Kind::Index => [catalogs.before, catalogs.after].into_iter().find_map(|catalog| {
            match catalog.objects.get(&step.object)? {
                Object::Index(index) => Some(index.relation()),
                _ => None,
            }
        }),
        _ => step.object.relation(),
    };
    relation.filter(|relation| catalogs.before.objects.contains_key(relation))
}
