//! Text search templates.

use serde::{Deserialize, Serialize};

use super::{Alter, Ddl, Definition};
use crate::{
    name::{ObjectId, Pair},
    sql,
};

/// A text search template: functions in C that dictionaries are made with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TextSearchTemplate {
    /// `INIT = function`, …
    pub functions: Vec<String>,
}

impl Definition for TextSearchTemplate {
    const QUERY: &'static str = include_str!("text_search_template.sql");
    const ROWS: &'static str = "pg_ts_template WHERE oid >= 16384";

    fn create(&self, id: &ObjectId) -> Ddl {
        Ddl::statement(format!("CREATE TEXT SEARCH TEMPLATE {} ({})", id.sql(), self.functions.join(", ")))
    }

    fn drop(&self, id: &ObjectId) -> Ddl {
        Ddl::statement(format!("DROP TEXT SEARCH TEMPLATE {}", id.sql()))
    }

    fn alter(_: Pair<&Self>, _: &ObjectId) -> Alter {
        Alter::Replace
    }

    fn rename(&self, ids: Pair<&ObjectId>) -> Option<Ddl> {
        let name = sql::ident(ids.after.path.last());
        Some(Ddl::statement(format!("ALTER TEXT SEARCH TEMPLATE {} RENAME TO {name}", ids.before.sql())))
    }
}
