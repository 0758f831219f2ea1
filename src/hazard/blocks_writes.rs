//! BLOCKS_WRITES: a table is read or an index is built while a lock keeps writers out.

use super::{Case, Level, Rule};
use crate::name::Kind;

pub(super) const RULE: Rule = Rule {
    code: "BLOCKS_WRITES",
    level: Level::Danger,
    about: None,
    explanation: "A scan or an index build runs while the transaction holds a lock that makes writers wait, for as long as \
                  the table is big.",
    advice: "run it when the table may stand still, or split the change so that the slow part runs under a weak lock",
    find,
};

fn find(case: &Case<'_>) -> Option<String> {
    if !case.seen.rewrites.is_empty() {
        return None;
    }
    // nobody writes a materialized view, and nobody can read it before
    let step = case.step;
    let is_filled = |table: &str| step.object.kind == Kind::MaterializedView && step.object.sql() == table;
    let slow: Vec<&String> = case.seen.scans.iter().chain(&case.seen.builds).collect();
    let strong: Vec<String> = case
        .held
        .iter()
        .filter(|(table, mode)| mode.blocks_writes() && !is_filled(table))
        .map(|(table, mode)| format!("{} on {table}{}", mode.label(), case.size(table)))
        .collect();
    if slow.is_empty() || strong.is_empty() {
        return None;
    }
    let slow: Vec<&str> = slow.into_iter().map(String::as_str).collect();
    Some(format!("reads or builds {} while holding {}", slow.join(", "), strong.join(", ")))
}
