//! A plan rehearsed again: what is seen then is what the plan says was seen, and what follows from it, too.

use std::collections::BTreeSet;

use super::seal;
use crate::{
    catalog::Catalog,
    diff::{self, How},
    facts::Facts,
    hazard::Hazard,
    name::{ObjectId, Pair},
    plan::{Change, Plan},
    rehearse::Rehearsed,
    step::{Observed, Phase, Step, Verb},
};

/// In what the plan is not what its rehearsal shows, in words. `catalogs`: the clone's, before and after.
pub(super) fn differences(
    plan: &Plan,
    steps: &[Step],
    rehearsed: &Rehearsed,
    catalogs: Pair<&Catalog>,
    facts: &Facts,
) -> Vec<String> {
    let mut found = unsaid(plan, rehearsed, catalogs.before);
    for (at, step) in plan.steps.iter().enumerate() {
        let seen = [
            ("", &step.seen, rehearsed.there.get(at)),
            ("on the way back ", &step.undo.seen, rehearsed.back.get(at)),
        ];
        for (way, said, seen) in seen {
            let other = seen.and_then(|seen| other(said, seen));
            found.extend(
                other.map(|what| format!("step {}: {way}{what} are not what the plan says", step.id)),
            );
        }
    }
    found.extend(hazards(plan, steps, rehearsed, catalogs, facts));
    if plan.transient != rehearsed.transient {
        found.push("what is there between two batches only is not what the plan says".to_owned());
    }
    found
}

/// What changes without the plan saying so.
fn unsaid(plan: &Plan, rehearsed: &Rehearsed, base: &Catalog) -> Vec<String> {
    let mut previous = base;
    let mut found = BTreeSet::new();
    for (phase, end) in &rehearsed.after {
        let ids: BTreeSet<&ObjectId> = previous.objects.keys().chain(end.objects.keys()).collect();
        let changed = ids.into_iter().filter(|id| previous.objects.get(*id) != end.objects.get(*id));
        found.extend(
            changed
                .filter(|id| !says(plan, id, *phase))
                .map(|id| format!("{id} changes, and the plan does not say so")),
        );
        previous = end;
    }
    found.into_iter().collect()
}

fn says(plan: &Plan, id: &ObjectId, phase: Phase) -> bool {
    let entry = plan.footprint.iter().find(|entry| entry.object == *id);
    entry.is_some_and(|entry| matches!(entry.after.get(&phase), Some(Change::Became(_) | Change::Gone)))
}

/// What of it is other than what the plan says.
fn other(said: &Observed, seen: &Observed) -> Option<&'static str> {
    let Observed { locks, rewrites, scans, builds, breaks, missing, unidentified } = said;
    let pairs = [
        (*locks != seen.locks, "the locks"),
        (called(rewrites) != called(&seen.rewrites), "the tables that are rewritten"),
        (called(scans) != called(&seen.scans), "the tables that are read as a whole"),
        (called(builds) != called(&seen.builds), "the indexes that are built"),
        (*breaks != seen.breaks, "the functions that fail"),
        (*missing != seen.missing, "the objects that are missing for a while"),
        (*unidentified != seen.unidentified, "the published tables without a replica identity"),
    ];
    pairs.into_iter().find(|(differs, _)| *differs).map(|(_, what)| what)
}

/// Names without their schemas: the server's messages have none, and of tables of one name any may be meant.
fn called(names: &[String]) -> BTreeSet<&str> {
    names.iter().map(|name| name.rsplit('.').next().unwrap_or(name)).collect()
}

/// Hazards of the way there that the rules find and the plan does not have, and the other way round. What is renamed is known by two names
/// while a plan is made, and by one in the catalogs: there, only what the plan shows by itself is compared.
fn hazards(
    plan: &Plan,
    steps: &[Step],
    rehearsed: &Rehearsed,
    catalogs: Pair<&Catalog>,
    facts: &Facts,
) -> Vec<String> {
    if !plan.old_names.is_empty() || steps.iter().any(|step| step.verb == Verb::Rename) {
        return Vec::new();
    }
    // what a partition or a child table has from its parent by then is its step's beginning
    let changes = diff::diff(catalogs).unwrap_or_default();
    let before = |step: &Step| match changes.get(&step.object) {
        Some(change) if matches!(change.how, How::InPlace(_)) => change.object.before.as_ref(),
        _ => catalogs.before.objects.get(&step.object),
    };
    let sides = |step: &Step| match step.verb {
        Verb::Rename | Verb::Validate | Verb::Fill => Pair::new(None, None),
        Verb::Create => Pair::new(None, catalogs.after.objects.get(&step.object)),
        _ => Pair::new(before(step), catalogs.after.objects.get(&step.object)),
    };
    let judged = seal::judged(steps, rehearsed, catalogs, facts, &sides);
    let mut found = Vec::new();
    for (step, judged) in plan.steps.iter().zip(judged) {
        let (said, again) = (codes(&step.hazards), codes(&judged.before));
        let more = again.difference(&said).map(|code| format!("step {}: {code} is left out", step.id));
        let less = said.difference(&again).map(|code| format!("step {}: {code} is not found", step.id));
        found.extend(more.chain(less));
    }
    found
}

fn codes(hazards: &[Hazard]) -> BTreeSet<&str> {
    hazards.iter().map(|hazard| hazard.code.as_str()).collect()
}
