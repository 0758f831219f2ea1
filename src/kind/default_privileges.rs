//! Default privileges: what objects that a role creates from now on are granted.

use serde::{Deserialize, Serialize};

use super::{Alter, Ddl, Definition, acl::{self, AclChange, Grants}};
use crate::{name::{ObjectId, Pair}, sql::{self, Sql}};

/// The default privileges of one role, in one schema or everywhere, for one type of object. Its path is the schema
/// (empty for everywhere), the role and `TABLES`, `SEQUENCES` ….
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DefaultPrivileges {
    /// What is granted.
    pub grants: Grants,
    /// What PostgreSQL grants without them.
    pub default: Grants,
}

fn statements(id: &ObjectId, before: &Grants, after: &Grants) -> Vec<Sql> {
    let (schema, role, objects) = (id.path.part(0), id.path.part(1), id.path.part(2));
    let within = if schema.is_empty() { String::new() } else { format!(" IN SCHEMA {}", sql::ident(schema)) };
    acl::changes(before, after)
        .into_iter()
        .map(|AclChange { verb, what, whom, grantor: _ }| {
            let whom = whom.replace("CURRENT_USER", &sql::ident(role));
            Sql::new(format!(
                "ALTER DEFAULT PRIVILEGES FOR ROLE {}{within} {verb} {what} ON {objects} {whom}",
                sql::ident(role)
            ))
        })
        .collect()
}

impl Definition for DefaultPrivileges {
    const QUERY: &'static str = include_str!("default_privileges.sql");
    const ROWS: &'static str = "pg_default_acl";

    fn create(&self, id: &ObjectId) -> Ddl {
        Ddl::Statements(statements(id, &self.default, &self.grants))
    }

    fn drop(&self, id: &ObjectId) -> Ddl {
        Ddl::Statements(statements(id, &self.grants, &self.default))
    }

    fn alter(pair: Pair<&Self>, id: &ObjectId) -> Alter {
        let Self { grants, default: _ } = pair.after;
        Alter::InPlace(Ddl::Statements(statements(id, &pair.before.grants, grants)), None)
    }
}
