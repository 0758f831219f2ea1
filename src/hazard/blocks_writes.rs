//! BLOCKS_WRITES: a table is read or an index is built while a lock keeps writers out.

use std::collections::BTreeMap;

use super::{Case, Level, Rule};
use crate::{
    name::Kind,
    step::{LockMode, Observed, Step},
};

pub(super) const RULE: Rule = Rule {
    code: "BLOCKS_WRITES",
    level: Level::Danger,
    about: None,
    explanation: "A scan or an index build runs while the transaction holds a lock that makes writers wait, for as long as \
                  the table is big.",
    advice: "run it when the table may stand still, or split the change so that the slow part runs under a weak lock",
    find,
    offline: |plan| is_slow(plan.seen) && strong(plan.step, plan.held).next().is_some(),
};

fn find(case: &Case<'_>) -> Option<String> {
    if !is_slow(case.seen) {
        return None;
    }
    let slow = case.seen.scans.iter().chain(&case.seen.builds);
    let strong: Vec<String> = strong(case.step, case.held)
        .map(|(table, mode)| format!("{} on {table}{}", mode.label(), case.size(table)))
        .collect();
    if strong.is_empty() {
        return None;
    }
    let slow: Vec<&str> = slow.map(String::as_str).collect();
    Some(format!("reads or builds {} while holding {}", slow.join(", "), strong.join(", ")))
}

/// Whether it reads or builds something, and writes nothing anew.
fn is_slow(seen: &Observed) -> bool {
    seen.rewrites.is_empty() && seen.scans.iter().chain(&seen.builds).next().is_some()
}

/// The locks that keep writers out. Nobody writes a materialized view, and nobody can read it before it is filled.
fn strong<'a>(
    step: &Step,
    held: &'a BTreeMap<String, LockMode>,
) -> impl Iterator<Item = (&'a String, &'a LockMode)> {
    let filled = (step.object.kind == Kind::MaterializedView).then(|| step.object.sql());
    held.iter().filter(move |(table, mode)| mode.blocks_writes() && filled.as_ref() != Some(*table))
}
