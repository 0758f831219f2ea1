//! Range types, each with its multirange.

use serde::{Deserialize, Serialize};

use super::{Alter, Ddl, Definition};
use crate::{name::{ObjectId, Pair}, sql};

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
        Some(Ddl::statement(format!("ALTER TYPE {} RENAME TO {}", ids.before.sql(), sql::ident(ids.after.path.last()))))
    }
}
