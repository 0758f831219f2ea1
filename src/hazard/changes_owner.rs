//! CHANGES_OWNER: an object goes to another role.

use super::{Case, Level, Rule, only_catalogs_tell};
use crate::kind::Object;

pub(super) const RULE: Rule = Rule {
    code: "CHANGES_OWNER",
    level: Level::Warning,
    about: None,
    explanation: "The old owner loses what only owners may do: ALTER, DROP, REFRESH, TRUNCATE without a grant. SECURITY \
                  DEFINER functions and views act with the rights of the new one.",
    advice: "check that the new owner may do all that the object does, and that nobody deploys as the old one",
    find,
    offline: only_catalogs_tell,
};

fn find(case: &Case<'_>) -> Option<String> {
    let target = case.step.object.target()?;
    // what is new has had no other owner
    case.catalogs.before.objects.get(&target)?;
    let role = |side: Option<&Object>| match side {
        Some(Object::Owner(owner)) => format!("role {}", owner.role),
        _ => "the role that applies".to_owned(),
    };
    let (before, after) = (case.object.before, case.object.after);
    let owners = [before, after].into_iter().flatten().any(|side| matches!(side, Object::Owner(_)));
    owners.then(|| format!("{target} goes from {} to {}", role(before), role(after)))
}
