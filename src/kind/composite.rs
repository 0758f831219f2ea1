//! Composite types that stand alone (a table's row type belongs to the table).

use serde::{Deserialize, Serialize};

use super::{Alter, Ddl, Definition, Touch};
use crate::{name::{ObjectId, Pair}, sql};

/// A composite type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Composite {
    /// In order.
    pub attributes: Vec<Attribute>,
}

/// One attribute of a composite type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attribute {
    /// The name.
    pub name: String,
    /// The type with its modifier, and COLLATE where it is not the type's own.
    #[serde(rename = "type")]
    pub data_type: String,
}

impl Composite {
    /// The names of the attributes that another one does not have any more.
    pub fn attributes_gone<'a>(&'a self, after: &'a Self) -> impl Iterator<Item = &'a str> {
        let stays = |one: &Attribute| after.attributes.iter().any(|other| other.name == one.name);
        self.attributes.iter().filter(move |one| !stays(one)).map(|one| one.name.as_str())
    }
}

impl Definition for Composite {
    const QUERY: &'static str = include_str!("composite.sql");
    const ROWS: &'static str = "pg_class WHERE relkind = 'c' AND oid >= 16384";
    const STORED: bool = true;

    fn create(&self, id: &ObjectId) -> Ddl {
        let attributes: Vec<String> =
            self.attributes.iter().map(|a| format!("\n    {} {}", sql::ident(&a.name), a.data_type)).collect();
        let end = if attributes.is_empty() { "" } else { "\n" };
        Ddl::statement(format!("CREATE TYPE {} AS ({}{end})", id.sql(), attributes.join(",")))
    }

    fn drop(&self, id: &ObjectId) -> Ddl {
        Ddl::statement(format!("DROP TYPE {}", id.sql()))
    }

    /// Attributes come and go in place; only behind the others can one be added. With another type the values that
    /// are stored would have to change, which PostgreSQL does not do in place.
    fn alter(pair: Pair<&Self>, id: &ObjectId) -> Alter {
        let Self { attributes: before } = pair.before;
        let Self { attributes: after } = pair.after;
        let kept = |list: &[Attribute], other: &[Attribute]| -> Vec<String> {
            list.iter().filter(|a| other.iter().any(|b| b.name == a.name)).map(|a| a.name.clone()).collect()
        };
        let stay = kept(before, after);
        let retyped = after.iter().any(|a| before.iter().any(|b| b.name == a.name && b != a));
        if retyped || stay != kept(after, before) || !after.iter().take(stay.len()).map(|a| &a.name).eq(stay.iter()) {
            return Alter::Rebuild;
        }
        let mut clauses = Vec::new();
        for gone in before.iter().filter(|a| !stay.contains(&a.name)) {
            clauses.push(format!("DROP ATTRIBUTE {}", sql::ident(&gone.name)));
        }
        // whoever reads an attribute that goes must let go of it
        let touch = (!clauses.is_empty()).then_some(Touch::Type);
        for new in after.iter().filter(|a| !stay.contains(&a.name)) {
            clauses.push(format!("ADD ATTRIBUTE {} {}", sql::ident(&new.name), new.data_type));
        }
        Alter::InPlace(Ddl::statement(format!("ALTER TYPE {} {}", id.sql(), clauses.join(", "))), touch)
    }

    /// A type under it may gain and lose attributes.
    fn survives(&self, touch: Touch) -> bool {
        touch < Touch::Rebuild
    }

    fn rename(&self, ids: Pair<&ObjectId>) -> Option<Ddl> {
        Some(Ddl::statement(format!("ALTER TYPE {} RENAME TO {}", ids.before.sql(), sql::ident(ids.after.path.last()))))
    }
}
