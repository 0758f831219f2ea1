//! Which column owns a sequence: the sequence goes when the column goes.

use serde::{Deserialize, Serialize};

use super::{Alter, Ddl, Definition};
use crate::{name::{Kind, ObjectId, Pair}, sql};

/// The ownership of a sequence. Its path is the sequence's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SequenceOwner {
    /// Schema, table and column.
    pub column: Vec<String>,
}

impl Definition for SequenceOwner {
    const QUERY: &'static str = include_str!("sequence_owner.sql");
    const ROWS: &'static str = "pg_sequence";

    fn create(&self, id: &ObjectId) -> Ddl {
        Ddl::statement(format!("ALTER SEQUENCE {} OWNED BY {}", id.sql(), sql::qualified(&self.column)))
    }

    fn drop(&self, id: &ObjectId) -> Ddl {
        Ddl::statement(format!("ALTER SEQUENCE {} OWNED BY NONE", id.sql()))
    }

    fn alter(pair: Pair<&Self>, id: &ObjectId) -> Alter {
        let Self { column: _ } = pair.after;
        Alter::InPlace(pair.after.create(id), None)
    }

    fn part_of(&self, id: &ObjectId) -> Option<ObjectId> {
        Some(ObjectId { kind: Kind::Sequence, path: id.path.clone() })
    }

    fn needs(&self, id: &ObjectId) -> Vec<ObjectId> {
        vec![
            ObjectId { kind: Kind::Sequence, path: id.path.clone() },
            ObjectId::new(Kind::Column, self.column.clone()),
        ]
    }

    fn survives(&self, touch: super::Touch) -> bool {
        touch < super::Touch::Drop
    }
}
