//! A plan's facts in words, the same in every format.

use crate::{
    hazard::Level,
    plan::{Plan, PlannedStep},
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

/// `15.18`.
pub(super) fn version(number: u32) -> String {
    format!("{}.{}", number / 10_000, number % 10_000)
}

/// `1,234,567`.
pub fn number(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
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

/// What was seen, one line each: `locks public.orders: ACCESS EXCLUSIVE, blocks reads and writes`.
pub(super) fn effects(seen: &Observed, rows: Option<u64>) -> Vec<String> {
    let mut lines: Vec<String> = seen
        .locks
        .iter()
        .map(|lock| format!("locks {}: {}, {}", lock.relation, lock.mode.label(), blocks(lock.mode)))
        .collect();
    let about = rows.map(|rows| format!(", about {} rows", number(rows))).unwrap_or_default();
    for (verb, relations) in
        [("rewrites", &seen.rewrites), ("reads all of", &seen.scans), ("builds", &seen.builds)]
    {
        lines.extend(relations.iter().map(|relation| format!("{verb} {relation}{about}")));
    }
    lines
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

/// `danger`, `warning`, `notice`.
pub(super) fn level(level: Level) -> &'static str {
    match level {
        Level::Notice => "notice",
        Level::Warning => "warning",
        Level::Danger => "danger",
    }
}
