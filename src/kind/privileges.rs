//! The privileges on one object, where they are not what PostgreSQL gives by itself.

use serde::{Deserialize, Serialize};

use super::{Alter, Ddl, Definition, acl::{self, Grants}};
use crate::{name::{Kind, ObjectId, Pair}, sql::{self, Sql}};

/// All privileges on an object. Its path is the object's kind and path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Privileges {
    /// What is granted.
    pub grants: Grants,
    /// What PostgreSQL grants by itself on such an object (`acldefault`).
    pub default: Grants,
}

/// GRANT and REVOKE on the target of `id`.
pub fn statements(id: &ObjectId, before: &Grants, after: &Grants) -> Vec<Sql> {
    let Some(target) = id.target() else { return Vec::new() };
    let (on, columns) = match target.kind {
        Kind::Column => (format!("TABLE {}", target.relation_sql()), format!(" ({})", sql::ident(target.path.last()))),
        Kind::Table | Kind::View | Kind::MaterializedView => (format!("TABLE {}", target.sql()), String::new()),
        Kind::Function | Kind::Aggregate => (format!("ROUTINE {}", target.sql()), String::new()),
        Kind::Sequence | Kind::IdentitySequence => (format!("SEQUENCE {}", target.sql()), String::new()),
        Kind::ForeignDataWrapper => (format!("FOREIGN DATA WRAPPER {}", target.sql()), String::new()),
        Kind::ForeignServer => (format!("FOREIGN SERVER {}", target.sql()), String::new()),
        Kind::Schema => (format!("SCHEMA {}", target.sql()), String::new()),
        _ => (format!("TYPE {}", target.sql()), String::new()),
    };
    acl::changes(before, after)
        .into_iter()
        .flat_map(|mut change| {
            let each = change.what.split(", ").map(|privilege| format!("{privilege}{columns}"));
            change.what = each.collect::<Vec<_>>().join(", ");
            change.statements(&on)
        })
        .collect()
}

impl Privileges {
    /// Whether going from one to the other grants anything. (A table's REVOKE takes its columns' privileges along,
    /// so what only revokes on a column comes before what changes on its table, and what grants comes after.)
    pub fn grants_more(before: Option<&Self>, after: Option<&Self>) -> bool {
        let side = |side: Option<&Self>| side.map(|privileges| privileges.grants.clone()).unwrap_or_default();
        side(after).without(&side(before)).next().is_some()
    }
}

impl Definition for Privileges {
    const QUERY: &'static str = include_str!("privileges.sql");
    const ROWS: &'static str = "pg_namespace";

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

    fn survives(&self, touch: super::Touch) -> bool {
        touch < super::Touch::Rebuild
    }

    fn part_of(&self, id: &ObjectId) -> Option<ObjectId> {
        id.target()
    }
}
