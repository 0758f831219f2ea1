//! Schemas: names for the namespaces that everything else is in.

use serde::{Deserialize, Serialize};

use super::{Alter, Ddl, Definition};
use crate::{name::{ObjectId, Pair}, sql};

/// A schema. Its comment and privileges are objects of their own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Schema {}

impl Definition for Schema {
    const QUERY: &'static str = include_str!("schema.sql");
    const ROWS: &'static str = "pg_namespace";

    fn create(&self, id: &ObjectId) -> Ddl {
        Ddl::statement(format!("CREATE SCHEMA {}", id.sql()))
    }

    fn drop(&self, id: &ObjectId) -> Ddl {
        Ddl::statement(format!("DROP SCHEMA {}", id.sql()))
    }

    fn alter(pair: Pair<&Self>, _: &ObjectId) -> Alter {
        let Pair { before: Self {}, after: Self {} } = pair;
        Alter::Replace
    }

    fn rename(&self, ids: Pair<&ObjectId>) -> Option<Ddl> {
        Some(Ddl::statement(format!("ALTER SCHEMA {} RENAME TO {}", ids.before.sql(), sql::ident(ids.after.path.last()))))
    }
}
