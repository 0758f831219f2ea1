//! Collations: how text sorts and compares.

use serde::{Deserialize, Serialize};

use super::{Alter, Ddl, Definition};
use crate::{name::{ObjectId, Pair}, sql};

/// A collation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Collation {
    /// `libc`, `icu` or `builtin`.
    pub provider: String,
    /// The locale of icu and builtin.
    pub locale: Option<String>,
    /// LC_COLLATE of libc.
    pub lc_collate: Option<String>,
    /// LC_CTYPE of libc.
    pub lc_ctype: Option<String>,
    /// Whether equal means equal bytes.
    pub deterministic: bool,
    /// ICU's tailoring rules (16 and later).
    pub rules: Option<String>,
}

impl Definition for Collation {
    const QUERY: &'static str = include_str!("collation.sql");
    const ROWS: &'static str = "pg_collation WHERE oid >= 16384";

    fn create(&self, id: &ObjectId) -> Ddl {
        let Self { provider, locale, lc_collate, lc_ctype, deterministic, rules } = self;
        let mut parts = vec![format!("provider = {provider}")];
        let optional = [("locale", locale), ("lc_collate", lc_collate), ("lc_ctype", lc_ctype), ("rules", rules)];
        for (name, value) in optional {
            parts.extend(value.as_ref().map(|value| format!("{name} = {}", sql::literal(value))));
        }
        if !deterministic {
            parts.push("deterministic = false".to_owned());
        }
        Ddl::statement(format!("CREATE COLLATION {} ({})", id.sql(), parts.join(", ")))
    }

    fn drop(&self, id: &ObjectId) -> Ddl {
        Ddl::statement(format!("DROP COLLATION {}", id.sql()))
    }

    fn alter(_: Pair<&Self>, _: &ObjectId) -> Alter {
        Alter::Rebuild
    }

    fn rename(&self, ids: Pair<&ObjectId>) -> Option<Ddl> {
        let name = sql::ident(ids.after.path.last());
        Some(Ddl::statement(format!("ALTER COLLATION {} RENAME TO {name}", ids.before.sql())))
    }
}
