//! A plan's facts in words, the same in every format.

use std::collections::BTreeMap;

use crate::{
    facts::number,
    hazard::{Hazard, Side},
    plan::{
        Plan, PlannedStep,
        compatibility::{Fit, Point},
    },
    step::{LockMode, Observed, Phase},
};

/// `2 created, 1 altered, 1 dropped`.
pub(super) fn changes(plan: &Plan) -> String {
    let summary = &plan.summary;
    let counts = [
        (summary.create, "created"),
        (summary.alter, "altered"),
        (summary.replace, "replaced"),
        (summary.drop, "dropped"),
    ];
    let some: Vec<String> = counts
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| format!("{count} {word}"))
        .collect();
    if some.is_empty() { "nothing changes".to_owned() } else { some.join(", ") }
}

/// `5 steps in expand, 2 in contract`.
pub(super) fn steps(plan: &Plan) -> String {
    let count = |phase: Phase| plan.steps.iter().filter(|step| step.phase == phase).count();
    let phases = plan.phases();
    let words: Vec<String> = phases
        .iter()
        .enumerate()
        .map(|(index, phase)| match (index, count(*phase)) {
            (0, 1) => format!("1 step in {}", phase.label()),
            (0, some) => format!("{some} steps in {}", phase.label()),
            (_, some) => format!("{some} in {}", phase.label()),
        })
        .collect();
    words.join(", ")
}

/// Of a plan that was made from SQL.
pub(super) const FROM_SQL: &str =
    "no database was asked: it is stale where the database is not exactly what that SQL makes";

/// `15.18`.
pub fn version(number: u32) -> String {
    format!("{}.{}", number / 10_000, number % 10_000)
}

/// What a lock keeps others from.
pub(super) fn blocks(mode: LockMode) -> &'static str {
    match mode {
        LockMode::AccessExclusive => "blocks reads and writes",
        mode if mode.blocks_writes() => "blocks writes",
        LockMode::ShareUpdateExclusive => "blocks only other schema changes and vacuum",
        _ => "blocks only stronger schema changes",
    }
}

/// So many relations that a step locks in the same way, or steps, are named.
const MOST: usize = 8;

/// What was seen, one line each: `locks public.orders: ACCESS EXCLUSIVE, blocks reads and writes`.
pub(super) fn effects(seen: &Observed, rows: Option<u64>) -> Vec<String> {
    let mut lines = Vec::new();
    let mut locked: BTreeMap<LockMode, usize> = BTreeMap::new();
    let mut locks = |what: &str, mode: LockMode| {
        lines.push(format!("locks {what}: {}, {}", mode.label(), blocks(mode)));
    };
    for lock in &seen.locks {
        let count = locked.entry(lock.mode).or_default();
        *count += 1;
        if *count <= MOST {
            locks(&lock.relation, lock.mode);
        }
    }
    for (mode, count) in locked.into_iter().rev().filter(|(_, count)| *count > MOST) {
        locks(&format!("{} more", number_of(count - MOST)), mode);
    }
    let about = rows.map(|rows| format!(", about {} rows", number(rows))).unwrap_or_default();
    for (verb, relations) in
        [("rewrites", &seen.rewrites), ("reads all of", &seen.scans), ("builds", &seen.builds)]
    {
        lines.extend(relations.iter().map(|relation| format!("{verb} {relation}{about}")));
    }
    lines
}

/// `3,000`.
pub(super) fn number_of(count: usize) -> String {
    number(u64::try_from(count).unwrap_or(u64::MAX))
}

/// The strongest lock, for a table of steps.
pub(super) fn strongest(step: &PlannedStep) -> String {
    let Some(lock) = step.seen.locks.iter().max_by_key(|lock| lock.mode) else { return "none".to_owned() };
    let more = match step.seen.locks.len() {
        1 => String::new(),
        some => format!(" +{}", some - 1),
    };
    format!("{} on {}{more}", lock.mode.label(), lock.relation)
}

/// What a plan means for who deploys code, in one line.
pub(super) fn verdict(points: &[Point]) -> String {
    let works = |fit: &Fit| !matches!(fit, Fit::Fails(_));
    let name = |at: &Point| at.after.map_or("the plan", Phase::label);
    let new = points.iter().position(|at| works(&at.new_code));
    let old = points.iter().position(|at| !works(&at.old_code));
    let after = new.and_then(|at| points.get(at)).map_or("the plan", name);
    let until = old.and_then(|at| points.get(at)).map(name);
    match (new, old, until) {
        (Some(0), None, _) | (Some(0), _, None) => {
            "In any order: old and new code both work before, between and after".to_owned()
        }
        (Some(0), _, Some(until)) => format!("Code first: new code at any time; old code until {until}"),
        (_, None, _) | (_, _, None) => {
            format!("Migrations first: new code after {after}; old code at any time")
        }
        (Some(new), Some(old), Some(until)) if new < old => {
            format!("Migrations first: new code after {after}; old code until {until}")
        }
        (_, _, Some(until)) => {
            format!("Both at once: old code fails from {until} on, and new code works after {after}")
        }
    }
}

/// Whether code works at a point, in words.
pub(super) fn fit(fit: &Fit) -> String {
    match fit {
        Fit::Works => "works".to_owned(),
        Fit::Constrained(steps) => format!("works, constrained by {}", listed(steps)),
        Fit::Fails(steps) => format!("fails: {}", listed(steps)),
    }
}

fn listed(steps: &[u32]) -> String {
    let what = if steps.len() == 1 { "step" } else { "steps" };
    let first: Vec<String> = steps.iter().take(MOST).map(u32::to_string).collect();
    let more = steps.len().saturating_sub(MOST);
    let more = if more == 0 { String::new() } else { format!(" and {more} more") };
    format!("{what} {}{more}", first.join(", "))
}

/// A point of a plan, in words.
pub(super) fn point(point: &Point) -> String {
    point.after.map_or_else(|| "before".to_owned(), |phase| format!("after {}", phase.label()))
}

/// What a rollback from the end has to wait for.
pub(super) const WAY_BACK: &str =
    "to roll back from the end: undo contract, deploy the old code in place of the new one, undo expand";

/// Whether a step's hazard is said with the step: that new code waits for what comes in expand goes without saying.
pub(super) fn is_said(hazard: &Hazard, phase: Phase) -> bool {
    hazard.side() != Some(Side::NewCode) || phase == Phase::Contract
}
