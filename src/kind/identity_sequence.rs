//! The sequence behind an identity column: it comes, changes and goes with its column, but has comments and privileges
//! of its own.

use serde::{Deserialize, Serialize};

use super::{Alter, Ddl, Definition, Touch};
use crate::{name::{Kind, ObjectId, Pair}, sql};

/// The name of a sequence that an identity column made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IdentitySequence {
    /// Schema, table and column.
    pub column: Vec<String>,
}

impl Definition for IdentitySequence {
    const QUERY: &'static str = include_str!("identity_sequence.sql");
    const ROWS: &'static str = "pg_sequence";

    fn create(&self, _: &ObjectId) -> Ddl {
        Ddl::Statements(Vec::new())
    }

    fn drop(&self, _: &ObjectId) -> Ddl {
        Ddl::Statements(Vec::new())
    }

    fn alter(pair: Pair<&Self>, _: &ObjectId) -> Alter {
        let Self { column: _ } = pair.after;
        Alter::Replace
    }

    fn rename(&self, ids: Pair<&ObjectId>) -> Option<Ddl> {
        let name = sql::ident(ids.after.path.last());
        Some(Ddl::statement(format!("ALTER SEQUENCE {} RENAME TO {name}", ids.before.sql())))
    }

    fn survives(&self, touch: Touch) -> bool {
        touch < Touch::Drop
    }

    fn part_of(&self, _: &ObjectId) -> Option<ObjectId> {
        Some(ObjectId::new(Kind::Column, self.column.clone()))
    }

    fn needs(&self, id: &ObjectId) -> Vec<ObjectId> {
        self.part_of(id).into_iter().collect()
    }
}
