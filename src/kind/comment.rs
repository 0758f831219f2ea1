//! Comments.

use serde::{Deserialize, Serialize};

use super::{Alter, Ddl, Definition};
use crate::{name::{Kind, ObjectId, Pair}, sql};

/// The comment on an object. Its path is the object's kind and path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Comment {
    /// The text.
    pub text: String,
    /// Whether it is about a foreign table.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub foreign: bool,
}

fn comment_on(id: &ObjectId, foreign: bool, text: &str) -> Ddl {
    let Some(target) = id.target() else { return Ddl::Statements(Vec::new()) };
    let on = spoken(&target);
    let foreign = if foreign { "FOREIGN " } else { "" };
    Ddl::statement(format!("COMMENT ON {foreign}{on} IS {text}"))
}

/// An object as statements name it that are for objects of every kind: `COLUMN public.orders.total`.
pub(super) fn spoken(target: &ObjectId) -> String {
    let name = target.sql();
    let relation = target.relation_sql();
    match target.kind {
        Kind::Column | Kind::Default => format!("COLUMN {relation}.{name}"),
        Kind::Constraint => format!("CONSTRAINT {name} ON {relation}"),
        Kind::DomainConstraint => format!("CONSTRAINT {name} ON DOMAIN {relation}"),
        Kind::IdentitySequence => format!("SEQUENCE {name}"),
        Kind::Trigger => format!("TRIGGER {name} ON {relation}"),
        Kind::Rule => format!("RULE {name} ON {relation}"),
        Kind::Policy => format!("POLICY {name} ON {relation}"),
        Kind::Function => format!("ROUTINE {name}"),
        Kind::Aggregate if target.path.part(2).is_empty() => {
            format!("AGGREGATE {}(*)", sql::qualified(&target.path.parts()[..2]))
        }
        Kind::Enum | Kind::Composite | Kind::Range => format!("TYPE {name}"),
        other => format!("{} {name}", other.label().to_uppercase()),
    }
}

impl Definition for Comment {
    const QUERY: &'static str = include_str!("comment.sql");
    const ROWS: &'static str = "pg_description";

    fn create(&self, id: &ObjectId) -> Ddl {
        comment_on(id, self.foreign, &sql::literal(&self.text))
    }

    fn drop(&self, id: &ObjectId) -> Ddl {
        // what a new database says of its schema
        let public = ObjectId::new(Kind::Schema, ["public"]);
        let text = if id.target() == Some(public) { "'standard public schema'" } else { "NULL" };
        comment_on(id, self.foreign, text)
    }

    fn alter(pair: Pair<&Self>, id: &ObjectId) -> Alter {
        let Self { text: _, foreign: _ } = pair.after;
        Alter::InPlace(pair.after.create(id), None)
    }

    fn survives(&self, touch: super::Touch) -> bool {
        // a type that is exchanged takes its comment along
        touch < super::Touch::Rebuild
    }

    fn part_of(&self, id: &ObjectId) -> Option<ObjectId> {
        id.target()
    }
}
