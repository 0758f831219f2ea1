//! Text search parsers.

use serde::{Deserialize, Serialize};

use super::{Alter, Ddl, Definition};
use crate::{
    name::{ObjectId, Pair},
    sql,
};

/// A text search parser: functions in C that cut a text into tokens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TextSearchParser {
    /// `START = function`, …
    pub functions: Vec<String>,
}

impl Definition for TextSearchParser {
    const QUERY: &'static str = include_str!("text_search_parser.sql");
    const ROWS: &'static str = "pg_ts_parser WHERE oid >= 16384";

    fn create(&self, id: &ObjectId) -> Ddl {
        Ddl::statement(format!("CREATE TEXT SEARCH PARSER {} ({})", id.sql(), self.functions.join(", ")))
    }

    fn drop(&self, id: &ObjectId) -> Ddl {
        Ddl::statement(format!("DROP TEXT SEARCH PARSER {}", id.sql()))
    }

    fn alter(_: Pair<&Self>, _: &ObjectId) -> Alter {
        Alter::Replace
    }

    fn rename(&self, ids: Pair<&ObjectId>) -> Option<Ddl> {
        let name = sql::ident(ids.after.path.last());
        Some(Ddl::statement(format!("ALTER TEXT SEARCH PARSER {} RENAME TO {name}", ids.before.sql())))
    }
}
