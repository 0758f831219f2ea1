//! Operator classes: how an access method handles a type.

use serde::{Deserialize, Serialize};

use super::{Alter, Ddl, Definition, any_order::AnyOrder};
use crate::{
    name::{ObjectId, Pair},
    sql,
};

/// An operator class. Its path ends with the access method.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OperatorClass {
    /// Whether it is the type's default for the access method.
    pub default: bool,
    /// The type of the column.
    #[serde(rename = "type")]
    pub data_type: String,
    /// The family, qualified and quoted.
    pub family: String,
    /// The type that is stored, where it is another one.
    pub storage: Option<String>,
    /// Operators and functions, as CREATE OPERATOR CLASS has them.
    pub members: AnyOrder<String>,
}

impl Definition for OperatorClass {
    const QUERY: &'static str = include_str!("operator_class.sql");
    const ROWS: &'static str = "pg_opclass WHERE oid >= 16384";

    fn create(&self, id: &ObjectId) -> Ddl {
        let Self { default, data_type, family, storage, members } = self;
        let name = sql::qualified(&id.path.parts()[..2]);
        let default = if *default { " DEFAULT" } else { "" };
        let mut items: Vec<String> = members.to_vec();
        items.extend(storage.iter().map(|storage| format!("STORAGE {storage}")));
        // a class must have an item: storing the type itself says nothing
        if items.is_empty() {
            items.push(format!("STORAGE {data_type}"));
        }
        let (method, items) = (sql::ident(id.path.last()), items.join(",\n    "));
        Ddl::statement(format!(
            "CREATE OPERATOR CLASS {name}{default} FOR TYPE {data_type} USING {method} FAMILY {family} AS\n    {items}"
        ))
    }

    fn drop(&self, id: &ObjectId) -> Ddl {
        Ddl::statement(format!("DROP OPERATOR CLASS {}", id.sql()))
    }

    /// PostgreSQL can only rename and move one.
    fn alter(_: Pair<&Self>, _: &ObjectId) -> Alter {
        Alter::Replace
    }

    fn rename(&self, ids: Pair<&ObjectId>) -> Option<Ddl> {
        let name = sql::ident(ids.after.path.part(1));
        Some(Ddl::statement(format!("ALTER OPERATOR CLASS {} RENAME TO {name}", ids.before.sql())))
    }
}
