//! Text search configurations: which dictionaries look at which tokens of a parser.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Alter, Ddl, Definition, Touch};
use crate::{
    name::{ObjectId, Pair},
    sql::{self, Sql},
};

/// A text search configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TextSearchConfiguration {
    /// The parser, qualified and quoted.
    pub parser: String,
    /// For each kind of token its dictionaries, qualified and quoted, in order.
    pub mappings: BTreeMap<String, Vec<String>>,
}

impl TextSearchConfiguration {
    fn mapping(id: &ObjectId, verb: &str, token: &str, dictionaries: &[String]) -> Sql {
        let (token, dictionaries) = (sql::ident(token), dictionaries.join(", "));
        Sql::new(format!(
            "ALTER TEXT SEARCH CONFIGURATION {} {verb} MAPPING FOR {token} WITH {dictionaries}",
            id.sql()
        ))
    }
}

impl Definition for TextSearchConfiguration {
    const QUERY: &'static str = include_str!("text_search_configuration.sql");
    const ROWS: &'static str = "pg_ts_config WHERE oid >= 16384";

    fn create(&self, id: &ObjectId) -> Ddl {
        let Self { parser, mappings } = self;
        let mut statements =
            vec![Sql::new(format!("CREATE TEXT SEARCH CONFIGURATION {} (PARSER = {parser})", id.sql()))];
        statements.extend(mappings.iter().map(|(token, with)| Self::mapping(id, "ADD", token, with)));
        Ddl::Statements(statements)
    }

    fn drop(&self, id: &ObjectId) -> Ddl {
        Ddl::statement(format!("DROP TEXT SEARCH CONFIGURATION {}", id.sql()))
    }

    fn alter(pair: Pair<&Self>, id: &ObjectId) -> Alter {
        let Self { parser, mappings } = pair.after;
        if *parser != pair.before.parser {
            return Alter::Replace;
        }
        let before = &pair.before.mappings;
        let gone = before.keys().filter(|token| !mappings.contains_key(*token)).map(|token| {
            let token = sql::ident(token);
            Sql::new(format!("ALTER TEXT SEARCH CONFIGURATION {} DROP MAPPING FOR {token}", id.sql()))
        });
        let changed = mappings.iter().filter(|(token, with)| before.get(*token) != Some(*with)).map(|(token, with)| {
            let verb = if before.contains_key(token) { "ALTER" } else { "ADD" };
            Self::mapping(id, verb, token, with)
        });
        Alter::InPlace(Ddl::Statements(gone.chain(changed).collect()), None)
    }

    fn rename(&self, ids: Pair<&ObjectId>) -> Option<Ddl> {
        let name = sql::ident(ids.after.path.last());
        Some(Ddl::statement(format!("ALTER TEXT SEARCH CONFIGURATION {} RENAME TO {name}", ids.before.sql())))
    }

    fn survives(&self, touch: Touch) -> bool {
        touch < Touch::Drop
    }
}
