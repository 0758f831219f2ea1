//! Domains. Their defaults and checks are objects of their own.

use serde::{Deserialize, Serialize};

use super::{Alter, Ddl, Definition, Touch};
use crate::{name::{ObjectId, Pair}, sql::{self, Sql}};

/// A domain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Domain {
    /// The base type with its modifier.
    pub base: String,
    /// The collation where it is not the base type's.
    pub collation: Option<String>,
    /// Whether NULL is refused.
    pub not_null: bool,
}

impl Domain {
    /// CREATE DOMAIN with this default and these constraints.
    pub fn create_with(&self, id: &ObjectId, default: Option<&str>, constraints: &[String]) -> Sql {
        let Self { base, collation, not_null } = self;
        let mut text = format!("CREATE DOMAIN {} AS {base}", id.sql());
        if let Some(collation) = collation {
            text += &format!(" COLLATE {collation}");
        }
        if let Some(default) = default {
            text += &format!(" DEFAULT {default}");
        }
        if *not_null {
            text += " NOT NULL";
        }
        for constraint in constraints {
            text += &format!("\n    {constraint}");
        }
        Sql::new(text)
    }
}

impl Definition for Domain {
    const QUERY: &'static str = include_str!("domain.sql");
    const ROWS: &'static str = "pg_type WHERE typtype = 'd' AND oid >= 16384";
    const STORED: bool = true;

    fn create(&self, id: &ObjectId) -> Ddl {
        Ddl::Statements(vec![self.create_with(id, None, &[])])
    }

    fn drop(&self, id: &ObjectId) -> Ddl {
        Ddl::statement(format!("DROP DOMAIN {}", id.sql()))
    }

    fn alter(pair: Pair<&Self>, id: &ObjectId) -> Alter {
        let Self { base, collation, not_null } = pair.after;
        if *base != pair.before.base || *collation != pair.before.collation {
            return Alter::Rebuild;
        }
        let what = if *not_null { "SET NOT NULL" } else { "DROP NOT NULL" };
        Alter::InPlace(Ddl::statement(format!("ALTER DOMAIN {} {what}", id.sql())), None)
    }

    /// A composite type under it may gain and lose attributes.
    fn survives(&self, touch: Touch) -> bool {
        touch < Touch::Rebuild
    }

    fn rename(&self, ids: Pair<&ObjectId>) -> Option<Ddl> {
        Some(Ddl::statement(format!("ALTER DOMAIN {} RENAME TO {}", ids.before.sql(), sql::ident(ids.after.path.last()))))
    }
}
