//! FUNCTION_FAILS: the body of an SQL function names what a phase takes away.

use super::{Case, Level, Rule, Side};

pub(super) const RULE: Rule = Rule {
    code: "FUNCTION_FAILS",
    level: Level::Warning,
    about: Some(Side::OldCode),
    explanation: "After the last step of a phase PostgreSQL was asked to look at the bodies of all SQL functions, as CREATE \
                  FUNCTION does (names are found in the function's own schema and in public). This one was good before and is \
                  not any more: each call fails. Bodies in PL/pgSQL are not looked at by PostgreSQL before they run.",
    advice: "change the function in the desired SQL, so that the plan changes it along",
    find,
    offline: |plan| !plan.seen.breaks.is_empty(),
};

fn find(case: &Case<'_>) -> Option<String> {
    let broken = &case.seen.breaks;
    (!broken.is_empty())
        .then(|| format!("at the end of the phase these functions fail: {}", broken.join("; ")))
}
