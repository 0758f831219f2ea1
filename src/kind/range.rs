//! Range types, each with its multirange.

use serde::{Deserialize, Serialize};

use super::{Alter, Ddl, Definition};
use crate::{name::{ObjectId, Pair}, sql::{self, Sql}};

/// A range type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Range {
    /// The element type.
    pub subtype: String,
    /// The operator class where it is not the element type's default.
    pub operator_class: Option<String>,
    /// The collation where it is not the element type's.
    pub collation: Option<String>,
    /// The function that makes equal ranges look equal.
    pub canonical: Option<String>,
    /// The function that says how far two elements are apart.
    pub difference: Option<String>,
    /// The multirange type's name.
    pub multirange: String,
}

impl Range {
    /// Another name for the multirange, and for the functions that make values of it.
    pub fn rename_multirange(&self, id: &ObjectId, from: &str, to: &str) -> Vec<Sql> {
        let from = sql::qualified(&[id.path.part(0), from]);
        let arguments = [String::new(), id.sql(), format!("VARIADIC {}[]", id.sql())];
        renamed(&from, &arguments, to)
    }
}

/// A type and the functions of its name that came with it.
fn renamed(from: &str, arguments: &[String], to: &str) -> Vec<Sql> {
    let to = sql::ident(to);
    let functions = arguments.iter().map(|arguments| format!("ALTER FUNCTION {from}({arguments}) RENAME TO {to}"));
    [format!("ALTER TYPE {from} RENAME TO {to}")].into_iter().chain(functions).map(Sql::new).collect()
}

impl Definition for Range {
    const QUERY: &'static str = include_str!("range.sql");
    const ROWS: &'static str = "pg_range WHERE rngtypid >= 16384";
    const STORED: bool = true;

    fn create(&self, id: &ObjectId) -> Ddl {
        let Self { subtype, operator_class, collation, canonical, difference, multirange } = self;
        let mut parts = vec![format!("subtype = {subtype}")];
        let optional = [
            ("subtype_opclass", operator_class),
            ("collation", collation),
            ("canonical", canonical),
            ("subtype_diff", difference),
        ];
        parts.extend(optional.into_iter().filter_map(|(name, value)| value.as_ref().map(|value| format!("{name} = {value}"))));
        parts.push(format!("multirange_type_name = {}", sql::qualified(&[id.path.part(0), multirange])));
        Ddl::statement(format!("CREATE TYPE {} AS RANGE ({})", id.sql(), parts.join(", ")))
    }

    fn drop(&self, id: &ObjectId) -> Ddl {
        Ddl::statement(format!("DROP TYPE {}", id.sql()))
    }

    fn alter(_: Pair<&Self>, _: &ObjectId) -> Alter {
        Alter::Rebuild
    }

    fn rename(&self, ids: Pair<&ObjectId>) -> Option<Ddl> {
        let Self { subtype, .. } = self;
        let arguments = [format!("{subtype}, {subtype}"), format!("{subtype}, {subtype}, text")];
        Some(Ddl::Statements(renamed(&ids.before.sql(), &arguments, ids.after.path.last())))
    }
}
