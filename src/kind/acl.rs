//! Access privileges, as PostgreSQL's ACLs keep them: who granted what to whom.

use serde::{Deserialize, Serialize};

use super::any_order::AnyOrder;
use crate::sql;

/// Grants in the order in which they were given.
pub type Grants = AnyOrder<Grant>;

/// One privilege of one role.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grant {
    /// Who has it: None is the owner, `public` everybody.
    pub grantee: Option<String>,
    /// `SELECT` and so on.
    pub privilege: String,
    /// Whether it may be passed on.
    pub grantable: bool,
    /// Who gave it: None is the owner.
    pub grantor: Option<String>,
}

/// The REVOKEs and GRANTs that lead from one set of privileges to another, as (`GRANT` or `REVOKE`, what, whom).
///
/// Each entry is a statement but for ON and its object: `("REVOKE", "SELECT, INSERT", "FROM app")`.
pub fn changes(before: &Grants, after: &Grants) -> Vec<(&'static str, String, String)> {
    let mut statements = Vec::new();
    let gone = |grant: &&Grant| !after.iter().any(|kept| same_privilege(kept, grant));
    for (grantee, grants) in by_grantee(before.iter().filter(gone)) {
        let privileges = list(grants.iter().map(|grant| grant.privilege.as_str()));
        statements.push(("REVOKE", privileges, format!("FROM {}", role(grantee))));
    }
    let less = |grant: &&Grant| {
        grant.grantable && after.iter().any(|kept| same_privilege(kept, grant) && !kept.grantable)
    };
    for (grantee, grants) in by_grantee(before.iter().filter(less)) {
        let privileges = list(grants.iter().map(|grant| grant.privilege.as_str()));
        statements.push((
            "REVOKE",
            format!("GRANT OPTION FOR {privileges}"),
            format!("FROM {}", role(grantee)),
        ));
    }
    let new = |grant: &&Grant| {
        !before.iter().any(|had| same_privilege(had, grant) && (had.grantable || !grant.grantable))
    };
    for grantable in [false, true] {
        let grants = after.iter().filter(new).filter(|grant| grant.grantable == grantable);
        for (grantee, grants) in by_grantee(grants) {
            let privileges = list(grants.iter().map(|grant| grant.privilege.as_str()));
            let option = if grantable { " WITH GRANT OPTION" } else { "" };
            statements.push(("GRANT", privileges, format!("TO {}{option}", role(grantee))));
        }
    }
    statements
}

fn same_privilege(a: &Grant, b: &Grant) -> bool {
    a.grantee == b.grantee && a.privilege == b.privilege && a.grantor == b.grantor
}

/// Grants by grantee, in the order in which the grantees come up.
fn by_grantee<'a>(grants: impl Iterator<Item = &'a Grant>) -> Vec<(Option<&'a str>, Vec<&'a Grant>)> {
    let mut groups: Vec<(Option<&str>, Vec<&Grant>)> = Vec::new();
    for grant in grants {
        let grantee = grant.grantee.as_deref();
        match groups.iter_mut().find(|(known, _)| *known == grantee) {
            Some((_, group)) => group.push(grant),
            None => groups.push((grantee, vec![grant])),
        }
    }
    groups
}

/// Privileges in the order of the manual.
fn list<'a>(privileges: impl Iterator<Item = &'a str>) -> String {
    const ORDER: [&str; 9] =
        ["SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER", "CREATE", "USAGE"];
    let mut names: Vec<&str> = privileges.collect();
    names.sort_by_key(|name| (ORDER.iter().position(|known| known == name).unwrap_or(ORDER.len()), *name));
    names.dedup();
    names.join(", ")
}

fn role(grantee: Option<&str>) -> String {
    match grantee {
        // whoever creates an object owns it
        None => "CURRENT_USER".to_owned(),
        Some("public") => "PUBLIC".to_owned(),
        Some(role) => sql::ident(role),
    }
}
