//! Batches: which steps share a transaction.
//!
//! Steps that change only the catalog share one, one existing table's or view's strong locks at a time: who reads a view
//! locks it before what it is over, and would wait for the batch while that waits for him. What was dropped to come
//! back stays in one transaction until it is back, so that nobody sees it missing. A step that cannot run in a
//! transaction has a batch of its own, and so has what must be committed before its use (an enum's label) or must
//! not hold strong locks while it reads a table (VALIDATE).

use std::collections::BTreeSet;

use super::draft::Draft;
use crate::{
    catalog::Catalog,
    diff::{Changes, How},
    kind::Object,
    name::{Kind, ObjectId, Pair},
    step::{Step, Verb},
};

/// Numbers the batches.
pub(super) fn number(steps: Vec<Draft>, catalogs: Pair<&Catalog>, changes: &Changes) -> Vec<Step> {
    let mut batch = 0;
    let mut previous: Option<Alone> = None;
    let mut relation: Option<ObjectId> = None;
    let mut phase = None;
    let mut missing = Missing::new(&steps, changes);
    let mut numbered = Vec::with_capacity(steps.len());
    for step in steps {
        let alone = alone(&step, changes);
        let locks = locked_relation(&step, catalogs);
        let moves_on = match (&relation, &locks) {
            (Some(held), Some(wanted)) => held != wanted,
            // what goes with it to come back may be of another relation
            (Some(_), None) => missing.begins_with(&step, changes),
            _ => false,
        };
        let breaks = previous.is_none_or(|previous| previous != alone || previous == Alone::Always)
            || phase != Some(step.phase)
            || moves_on && missing.is_empty();
        if breaks {
            batch += 1;
            relation = None;
        }
        relation = locks.or(relation);
        phase = Some(step.phase);
        previous = Some(alone);
        missing.after(&step, changes);
        numbered.push(step.into_step(batch));
    }
    numbered
}

/// What was dropped to come back, and is not back yet.
pub(super) struct Missing {
    /// What goes by a step of its own, and comes by another.
    twice: BTreeSet<ObjectId>,
    now: BTreeSet<ObjectId>,
}

impl Missing {
    pub(super) fn new(steps: &[Draft], changes: &Changes) -> Self {
        let mut once = BTreeSet::new();
        let moves = steps.iter().filter(|step| goes_or_comes(step, changes)).map(|step| &step.object);
        let twice = moves.filter(|id| !once.insert(*id)).cloned().collect();
        Self { twice, now: BTreeSet::new() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.now.is_empty()
    }

    /// Whether nothing is missing until this step, but then.
    fn begins_with(&self, step: &Draft, changes: &Changes) -> bool {
        self.is_empty() && self.moves(step, changes)
    }

    fn moves(&self, step: &Draft, changes: &Changes) -> bool {
        goes_or_comes(step, changes) && self.twice.contains(&step.object)
    }

    pub(super) fn after(&mut self, step: &Draft, changes: &Changes) {
        if self.moves(step, changes) && !self.now.remove(&step.object) {
            self.now.insert(step.object.clone());
        }
    }
}

fn comes_back(step: &Draft, changes: &Changes) -> bool {
    changes.get(&step.object).is_some_and(|change| change.how == How::Replace)
}

fn goes_or_comes(step: &Draft, changes: &Changes) -> bool {
    matches!(step.verb, Verb::Replace | Verb::Create) && comes_back(step, changes)
}

/// Moves proofs out of the way of what was dropped to come back: what is proven there and back has a transaction of its
/// own, and nothing is to be missing meanwhile. A constraint that comes is proven when all is back, one that goes is
/// proven on the way back when all is back there.
pub(super) fn keep_together(steps: &mut Vec<Draft>, changes: &Changes) {
    let mut missing = Missing::new(steps, changes);
    let mut ordered: Vec<Draft> = Vec::with_capacity(steps.len());
    let (mut first, mut later): (usize, Vec<Draft>) = (0, Vec::new());
    for step in std::mem::take(steps) {
        if ordered.last().is_some_and(|last| last.phase != step.phase) {
            ordered.append(&mut later);
            missing.now.clear();
        }
        let open = !missing.is_empty();
        if open && is_proof(&step, changes) {
            if step.run.is_nothing() {
                ordered.insert(first, step);
                first += 1;
            } else {
                later.push(step);
            }
            continue;
        }
        // privileges and comments of what came back come behind it
        if !open && !comes_back(&step, changes) {
            ordered.append(&mut later);
        }
        missing.after(&step, changes);
        if !open {
            first = ordered.len();
        }
        ordered.push(step);
    }
    ordered.append(&mut later);
    *steps = ordered;
}

/// Whether nothing else hangs on when it is proven.
fn is_proof(step: &Draft, changes: &Changes) -> bool {
    step.verb == Verb::Validate
        && matches!(step.object.kind, Kind::Constraint | Kind::DomainConstraint)
        && changes.contains_key(&step.object)
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

fn alone(step: &Draft, changes: &Changes) -> Alone {
    let in_place = matches!(changes.get(&step.object), Some(change) if matches!(change.how, How::InPlace(_)));
    match step.verb {
        _ if !step.is_transactional() => Alone::Always,
        Verb::Validate => Alone::Always,
        // it begins with the locks that it needs
        Verb::Create if step.object.kind == Kind::Attachment && step.run.sql.len() > 1 => Alone::Always,
        Verb::Alter if step.object.kind == Kind::Enum && in_place => Alone::Labels,
        _ => Alone::No,
    }
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
