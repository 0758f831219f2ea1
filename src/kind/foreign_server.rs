//! Foreign servers. User mappings hold passwords: they are reported, never printed or changed.

use serde::{Deserialize, Serialize};

use super::{Alter, Ddl, Definition, Options, fdw_changes, fdw_options};
use crate::{
    name::{ObjectId, Pair},
    sql,
};

/// A foreign server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ForeignServer {
    /// The foreign-data wrapper's name.
    pub wrapper: String,
    /// What the wrapper calls its type.
    #[serde(rename = "type")]
    pub server_type: Option<String>,
    /// What the wrapper calls its version.
    pub version: Option<String>,
    /// Its options.
    pub options: Options,
}

impl Definition for ForeignServer {
    const QUERY: &'static str = include_str!("foreign_server.sql");
    const ROWS: &'static str = "pg_foreign_server";

    fn create(&self, id: &ObjectId) -> Ddl {
        let Self { wrapper, server_type, version, options } = self;
        let part = |word: &str, value: &Option<String>| value.as_ref().map(|value| format!(" {word} {}", sql::literal(value)));
        let server_type = part("TYPE", server_type).unwrap_or_default();
        let version = part("VERSION", version).unwrap_or_default();
        let (wrapper, options) = (sql::ident(wrapper), fdw_options(options));
        Ddl::statement(format!(
            "CREATE SERVER {}{server_type}{version} FOREIGN DATA WRAPPER {wrapper}{options}",
            id.sql()
        ))
    }

    fn drop(&self, id: &ObjectId) -> Ddl {
        Ddl::statement(format!("DROP SERVER {}", id.sql()))
    }

    fn alter(pair: Pair<&Self>, id: &ObjectId) -> Alter {
        let Self { wrapper, server_type, version, options } = pair.after;
        if *wrapper != pair.before.wrapper || *server_type != pair.before.server_type {
            return Alter::Replace;
        }
        let mut text = String::new();
        if *version != pair.before.version {
            text += &format!(" VERSION {}", version.as_deref().map_or("NULL".to_owned(), sql::literal));
        }
        text += &fdw_changes(Pair::new(&pair.before.options, options));
        Alter::InPlace(Ddl::statement(format!("ALTER SERVER {}{text}", id.sql())), None)
    }

    fn rename(&self, ids: Pair<&ObjectId>) -> Option<Ddl> {
        Some(Ddl::statement(format!("ALTER SERVER {} RENAME TO {}", ids.before.sql(), ids.after.sql())))
    }
}
