//! WIDENS_ACCESS: somebody sees or writes what was kept from them.

use super::{Case, Level, Rule, only_catalogs_tell};
use crate::kind::{Object, Privileges};

pub(super) const RULE: Rule = Rule {
    code: "WIDENS_ACCESS",
    level: Level::Warning,
    about: None,
    explanation: "Roles can read or write afterwards what they could not before.",
    advice: "check that each of them is meant to",
    find,
    offline: only_catalogs_tell,
};

fn find(case: &Case<'_>) -> Option<String> {
    let id = &case.step.object;
    match (case.object.before, case.object.after) {
        (Some(Object::Table(before)), Some(Object::Table(after))) => {
            let off = before.row_security && !after.row_security
                || before.force_row_security && !after.force_row_security;
            off.then(|| format!("{id} is no longer guarded by row security as before"))
        }
        (Some(Object::Policy(policy)), None) if !policy.permissive => {
            Some(format!("{id} no longer restricts rows"))
        }
        (before, Some(Object::Privileges(after))) => {
            let before = match before {
                Some(Object::Privileges(before)) => before.grants.clone(),
                _ => after.default.clone(),
            };
            let everyone: Vec<&str> = after
                .grants
                .without(&before)
                .filter(|grant| grant.grantee.as_deref() == Some("public"))
                .map(|grant| grant.privilege.as_str())
                .collect();
            let old = Privileges { grants: before.clone(), default: after.default.clone() };
            (!everyone.is_empty() && Privileges::grants_more(Some(&old), Some(after)))
                .then(|| format!("{id}: everybody gets {}", everyone.join(", ")))
        }
        _ => None,
    }
}
