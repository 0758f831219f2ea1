//! Access privileges, as PostgreSQL's ACLs keep them: who granted what to whom.

use serde::{Deserialize, Serialize};

use super::any_order::AnyOrder;
use crate::sql::{self, Sql};

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

/// One REVOKE or GRANT but for ON and its object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AclChange {
    /// `GRANT` or `REVOKE`.
    pub verb: &'static str,
    /// `SELECT, INSERT`.
    pub what: String,
    /// `FROM app`, `TO app WITH GRANT OPTION`.
    pub whom: String,
    /// Who has to say it: None is the owner.
    pub grantor: Option<String>,
}

impl AclChange {
    /// As statements on an object. Only the grantor can give and take what it was given with grant option
    /// (PostgreSQL manual, GRANT).
    pub fn statements(self, on: &str) -> Vec<Sql> {
        let Self { verb, what, whom, grantor } = self;
        let statement = Sql::new(format!("{verb} {what} ON {on} {whom}"));
        match grantor {
            None => vec![statement],
            Some(role) => {
                vec![Sql::new(format!("SET ROLE {}", sql::ident(&role))), statement, Sql::new("RESET ROLE")]
            }
        }
    }
}

/// The REVOKEs and GRANTs that lead from one set of privileges to another: what somebody was given to give goes after,
/// and comes before, what they gave.
pub fn changes(before: &Grants, after: &Grants) -> Vec<AclChange> {
    let mut statements = Vec::new();
    let mut say = |verb, what: String, whom: String, grantor: Option<&str>| {
        statements.push(AclChange { verb, what, whom, grantor: grantor.map(str::to_owned) });
    };
    let gone = |grant: &&Grant| !after.iter().any(|kept| same_privilege(kept, grant));
    let less = |grant: &&Grant| {
        grant.grantable && after.iter().any(|kept| same_privilege(kept, grant) && !kept.grantable)
    };
    for depth in (0..=deepest(before)).rev() {
        let at_depth = |grant: &&Grant| depth_of(before, grant.grantor.as_deref(), CHAIN) == depth;
        for (grantee, grantor, grants) in grouped(before.iter().filter(gone).filter(at_depth)) {
            say("REVOKE", list(&grants), format!("FROM {}", role(grantee)), grantor);
        }
        for (grantee, grantor, grants) in grouped(before.iter().filter(less).filter(at_depth)) {
            let what = format!("GRANT OPTION FOR {}", list(&grants));
            say("REVOKE", what, format!("FROM {}", role(grantee)), grantor);
        }
    }
    let new = |grant: &&Grant| {
        !before.iter().any(|had| same_privilege(had, grant) && (had.grantable || !grant.grantable))
    };
    for depth in 0..=deepest(after) {
        let at_depth = |grant: &&Grant| depth_of(after, grant.grantor.as_deref(), CHAIN) == depth;
        for grantable in [false, true] {
            let grants =
                after.iter().filter(new).filter(at_depth).filter(|grant| grant.grantable == grantable);
            for (grantee, grantor, grants) in grouped(grants) {
                let option = if grantable { " WITH GRANT OPTION" } else { "" };
                say("GRANT", list(&grants), format!("TO {}{option}", role(grantee)), grantor);
            }
        }
    }
    statements
}

/// No chain of grants is followed further.
const CHAIN: usize = 8;

/// How many grants lead from the owner to a grantor.
fn depth_of(grants: &Grants, grantor: Option<&str>, left: usize) -> usize {
    let Some(grantor) = grantor.filter(|_| left > 0) else { return 0 };
    let given = grants.iter().filter(|grant| grant.grantable && grant.grantee.as_deref() == Some(grantor));
    given.map(|grant| 1 + depth_of(grants, grant.grantor.as_deref(), left - 1)).min().unwrap_or(1)
}

fn deepest(grants: &Grants) -> usize {
    grants.iter().map(|grant| depth_of(grants, grant.grantor.as_deref(), CHAIN)).max().unwrap_or(0)
}

/// Whether one role has it from the same one, with grant option or without.
pub fn same_privilege(a: &Grant, b: &Grant) -> bool {
    a.grantee == b.grantee && a.privilege == b.privilege && a.grantor == b.grantor
}

/// Grants to one grantee by one grantor.
type Group<'a> = (Option<&'a str>, Option<&'a str>, Vec<&'a Grant>);

/// Grants by grantee and grantor, in the order in which these come up.
fn grouped<'a>(grants: impl Iterator<Item = &'a Grant>) -> Vec<Group<'a>> {
    let mut groups: Vec<Group<'a>> = Vec::new();
    for grant in grants {
        let (grantee, grantor) = (grant.grantee.as_deref(), grant.grantor.as_deref());
        match groups.iter_mut().find(|(known, by, _)| (*known, *by) == (grantee, grantor)) {
            Some((_, _, group)) => group.push(grant),
            None => groups.push((grantee, grantor, vec![grant])),
        }
    }
    groups
}

/// Privileges in the order of the manual.
fn list(grants: &[&Grant]) -> String {
    const ORDER: [&str; 9] =
        ["SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER", "CREATE", "USAGE"];
    let mut names: Vec<&str> = grants.iter().map(|grant| grant.privilege.as_str()).collect();
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
