//! Conversions between encodings.

use serde::{Deserialize, Serialize};

use super::{Alter, Ddl, Definition};
use crate::{
    name::{ObjectId, Pair},
    sql,
};

/// A conversion.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Conversion {
    /// Whether it is the default between its encodings.
    pub default: bool,
    /// The encoding that it reads.
    pub source: String,
    /// The encoding that it writes.
    pub target: String,
    /// The function that does it.
    pub function: String,
}

impl Definition for Conversion {
    const QUERY: &'static str = include_str!("conversion.sql");
    const ROWS: &'static str = "pg_conversion WHERE oid >= 16384";

    fn create(&self, id: &ObjectId) -> Ddl {
        let Self { default, source, target, function } = self;
        let default = if *default { "DEFAULT " } else { "" };
        let (source, target) = (sql::literal(source), sql::literal(target));
        Ddl::statement(format!("CREATE {default}CONVERSION {} FOR {source} TO {target} FROM {function}", id.sql()))
    }

    fn drop(&self, id: &ObjectId) -> Ddl {
        Ddl::statement(format!("DROP CONVERSION {}", id.sql()))
    }

    fn alter(_: Pair<&Self>, _: &ObjectId) -> Alter {
        Alter::Replace
    }

    fn rename(&self, ids: Pair<&ObjectId>) -> Option<Ddl> {
        let name = sql::ident(ids.after.path.last());
        Some(Ddl::statement(format!("ALTER CONVERSION {} RENAME TO {name}", ids.before.sql())))
    }
}
