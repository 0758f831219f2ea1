//! GAP: what is there before the plan and after it is away for a while in between.

use std::collections::BTreeMap;

use super::{Case, Level, Rule};
use crate::step::Promise;

pub(super) const RULE: Rule = Rule {
    code: "GAP",
    level: Level::Danger,
    about: None,
    explanation: "What is there before the plan and after it is missing after this step, until a later one brings it back. \
                  Others see that, and if the plan stops there, it stays so.",
    advice: "run it when nobody uses what is missing, or make the changes in two plans",
    find,
    offline: |plan| !plan.seen.missing.is_empty(),
};

fn find(case: &Case<'_>) -> Option<String> {
    let mut by_end: BTreeMap<(u32, Promise), Vec<&str>> = BTreeMap::new();
    for missing in &case.seen.missing {
        by_end.entry((missing.until, missing.promise)).or_default().push(&missing.what);
    }
    let said = by_end.iter().map(|((until, promise), what)| {
        format!("missing until step {until}: {}; {}", listed(what), meanwhile(*promise))
    });
    let said: Vec<String> = said.collect();
    (!said.is_empty()).then(|| said.join("; also "))
}

/// The first few of them, and how many there are.
fn listed(what: &[&str]) -> String {
    const MOST: usize = 5;
    let first = what.iter().take(MOST).copied().collect::<Vec<_>>().join(", ");
    match what.len() {
        all if all > MOST => format!("{first} and {} more", all - MOST),
        _ => first,
    }
}

/// What happens to old and new code until it is back.
fn meanwhile(promise: Promise) -> &'static str {
    match promise {
        Promise::Name => "statements that name it fail",
        Promise::Rows => "queries do not see them, or fail",
        Promise::Default => "rows that say nothing of it get NULL, or are refused",
        Promise::Rule => "rows that break it are taken, and then keep the plan from going on",
        Promise::Trigger => "it does not run for rows that are written",
        Promise::Policy => "other rows are seen and written than it allows",
        Promise::Privilege => "statements that need it are refused",
    }
}
