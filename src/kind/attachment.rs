//! Which partitioned table a table is a partition of, and for which values.

use serde::{Deserialize, Serialize};

use super::{Alter, Ddl, Definition, Touch};
use crate::{name::{Kind, ObjectId, Pair}, sql};

/// The attachment of a partition. Its path is the partition's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attachment {
    /// Schema and name of the partitioned table.
    pub parent: Vec<String>,
    /// `FOR VALUES …` or `DEFAULT`.
    pub bound: String,
    /// What each row of the partition satisfies.
    #[serde(default, skip_serializing)]
    pub implied: Implied,
}

/// A condition that follows from the bounds, those of the partitions beside it as well: attachments that differ in nothing
/// else are the same.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(transparent)]
pub struct Implied(Option<String>);

impl Implied {
    /// The condition; none where it has the numbers of several partitioned tables in it (HASH within HASH).
    pub fn condition(&self) -> Option<&str> {
        self.0.as_deref()
    }
}

impl PartialEq for Implied {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Implied {}

impl Definition for Attachment {
    const QUERY: &'static str = include_str!("attachment.sql");
    const ROWS: &'static str = "pg_inherits";

    fn create(&self, id: &ObjectId) -> Ddl {
        let parent = sql::qualified(&self.parent);
        Ddl::statement(format!("ALTER TABLE {parent} ATTACH PARTITION {} {}", id.sql(), self.bound))
    }

    fn drop(&self, id: &ObjectId) -> Ddl {
        Ddl::statement(format!("ALTER TABLE {} DETACH PARTITION {}", sql::qualified(&self.parent), id.sql()))
    }

    fn alter(pair: Pair<&Self>, _: &ObjectId) -> Alter {
        let Self { parent: _, bound: _, implied: _ } = pair.after;
        Alter::Replace
    }

    fn part_of(&self, id: &ObjectId) -> Option<ObjectId> {
        Some(ObjectId { kind: Kind::Table, path: id.path.clone() })
    }

    fn needs(&self, id: &ObjectId) -> Vec<ObjectId> {
        vec![ObjectId { kind: Kind::Table, path: id.path.clone() }, ObjectId::new(Kind::Table, self.parent.clone())]
    }

    fn survives(&self, touch: Touch) -> bool {
        touch < Touch::Drop
    }
}
