//! Foreign-data wrappers.

use serde::{Deserialize, Serialize};

use super::{Alter, Ddl, Definition, Options, fdw_changes, fdw_options};
use crate::name::{ObjectId, Pair};

/// A foreign-data wrapper that no extension made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ForeignDataWrapper {
    /// The function that runs foreign queries.
    pub handler: Option<String>,
    /// The function that checks options.
    pub validator: Option<String>,
    /// Its options.
    pub options: Options,
}

impl Definition for ForeignDataWrapper {
    const QUERY: &'static str = include_str!("foreign_data_wrapper.sql");
    const ROWS: &'static str = "pg_foreign_data_wrapper";

    fn create(&self, id: &ObjectId) -> Ddl {
        let Self { handler, validator, options } = self;
        let part = |word: &str, value: &Option<String>| value.as_ref().map(|value| format!(" {word} {value}"));
        let handler = part("HANDLER", handler).unwrap_or_default();
        let validator = part("VALIDATOR", validator).unwrap_or_default();
        Ddl::statement(format!("CREATE FOREIGN DATA WRAPPER {}{handler}{validator}{}", id.sql(), fdw_options(options)))
    }

    fn drop(&self, id: &ObjectId) -> Ddl {
        Ddl::statement(format!("DROP FOREIGN DATA WRAPPER {}", id.sql()))
    }

    fn alter(pair: Pair<&Self>, id: &ObjectId) -> Alter {
        let Self { handler, validator, options } = pair.after;
        let mut text = String::new();
        for (word, old, new) in [("HANDLER", &pair.before.handler, handler), ("VALIDATOR", &pair.before.validator, validator)] {
            match new {
                _ if old == new => {}
                Some(function) => text += &format!(" {word} {function}"),
                None => text += &format!(" NO {word}"),
            }
        }
        text += &fdw_changes(Pair::new(&pair.before.options, options));
        Alter::InPlace(Ddl::statement(format!("ALTER FOREIGN DATA WRAPPER {}{text}", id.sql())), None)
    }

    fn rename(&self, ids: Pair<&ObjectId>) -> Option<Ddl> {
        let name = ids.after.sql();
        Some(Ddl::statement(format!("ALTER FOREIGN DATA WRAPPER {} RENAME TO {name}", ids.before.sql())))
    }

    /// An option or another function keeps the name.
    fn survives(&self, touch: super::Touch) -> bool {
        touch < super::Touch::Drop
    }
}
