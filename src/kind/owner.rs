//! Owners, where they are managed: `[manage] owners = true`.

use serde::{Deserialize, Serialize};

use super::{Alter, Ddl, Definition, Touch, comment};
use crate::name::{ObjectId, Pair};

/// That an object belongs to another role than the one that plans. Its path is the object's kind and path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Owner {
    /// The role.
    pub role: String,
}

fn give(id: &ObjectId, role: &str) -> Ddl {
    let Some(target) = id.target() else { return Ddl::Statements(Vec::new()) };
    Ddl::statement(format!("ALTER {} OWNER TO {role}", comment::spoken(&target)))
}

impl Definition for Owner {
    const QUERY: &'static str = include_str!("owner.sql");
    const ROWS: &'static str = "pg_namespace";

    fn create(&self, id: &ObjectId) -> Ddl {
        give(id, &crate::sql::ident(&self.role))
    }

    fn drop(&self, id: &ObjectId) -> Ddl {
        give(id, "CURRENT_USER")
    }

    fn alter(pair: Pair<&Self>, id: &ObjectId) -> Alter {
        let Self { role: _ } = pair.after;
        Alter::InPlace(pair.after.create(id), None)
    }

    /// A type that is exchanged for another one is created by the role that applies.
    fn survives(&self, touch: Touch) -> bool {
        touch < Touch::Rebuild
    }

    fn part_of(&self, id: &ObjectId) -> Option<ObjectId> {
        id.target()
    }
}
