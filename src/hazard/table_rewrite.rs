//! TABLE_REWRITE: every row is written anew while nobody can read or write the table.

use super::{Case, Level, Rule};

pub(super) const RULE: Rule = Rule {
    code: "TABLE_REWRITE",
    level: Level::Danger,
    about: None,
    explanation: "Every row is written anew under ACCESS EXCLUSIVE: reads and writes wait until it is done, and it \
                  needs about the table's size again on disk.",
    advice: "run it when nobody uses the table, or add a new column beside the old one and change over",
    find,
    offline: |plan| !plan.seen.rewrites.is_empty(),
};

fn find(case: &Case<'_>) -> Option<String> {
    let tables: Vec<String> =
        case.seen.rewrites.iter().map(|table| format!("{table}{}", case.size(table))).collect();
    (!tables.is_empty()).then(|| format!("rewrites {}", tables.join(", ")))
}
