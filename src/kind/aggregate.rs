//! Aggregates: plain, ordered-set and hypothetical-set, with or without a moving form.

use serde::{Deserialize, Serialize};

use super::{Alter, Ddl, Definition};
use crate::{name::{ObjectId, Pair}, sql};

/// An aggregate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Aggregate {
    /// The arguments as CREATE AGGREGATE has them, `*` for none.
    pub arguments: String,
    /// What stands between the last parentheses, in order: `sfunc = …`.
    pub clauses: Vec<String>,
}

impl Definition for Aggregate {
    const QUERY: &'static str = include_str!("aggregate.sql");
    const ROWS: &'static str = "pg_proc WHERE prokind = 'a' AND oid >= 16384";

    fn create(&self, id: &ObjectId) -> Ddl {
        let Self { arguments, clauses } = self;
        let name = sql::qualified(&[id.path.part(0), id.path.part(1)]);
        Ddl::statement(format!("CREATE AGGREGATE {name}({arguments}) (\n    {}\n)", clauses.join(",\n    ")))
    }

    fn drop(&self, id: &ObjectId) -> Ddl {
        Ddl::statement(format!("DROP AGGREGATE {}", self.signature(id)))
    }

    fn alter(_: Pair<&Self>, _: &ObjectId) -> Alter {
        Alter::Replace
    }

    fn rename(&self, ids: Pair<&ObjectId>) -> Option<Ddl> {
        let name = sql::ident(ids.after.path.part(1));
        Some(Ddl::statement(format!("ALTER AGGREGATE {} RENAME TO {name}", self.signature(ids.before))))
    }
}

impl Aggregate {
    /// The name with its arguments, as ALTER, DROP and COMMENT want it.
    fn signature(&self, id: &ObjectId) -> String {
        format!("{}({})", sql::qualified(&[id.path.part(0), id.path.part(1)]), self.arguments)
    }
}
