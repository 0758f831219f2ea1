//! Which partitioned index an index is the part of.

use serde::{Deserialize, Serialize};

use super::{Alter, Ddl, Definition, Touch};
use crate::{name::{Kind, ObjectId, Pair}, sql};

/// The attachment of a partition's index. Its path is the index's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IndexAttachment {
    /// Schema and name of the partitioned index.
    pub parent: Vec<String>,
    /// Schema and name of the partition.
    pub table: Vec<String>,
    /// Schema and name of the partitioned table.
    pub parent_table: Vec<String>,
    /// Whether the index is behind a constraint.
    pub constraint: bool,
    /// Whether the partitioned index is, which then needs one behind a constraint. (A key of a partition's own can be the
    /// part of an index that is none.)
    pub parent_constraint: bool,
}

impl IndexAttachment {
    fn index(constraint: bool, table: &[String], index: &[String]) -> ObjectId {
        if constraint {
            let mut path = table.to_vec();
            path.extend(index.last().cloned());
            ObjectId::new(Kind::Constraint, path)
        } else {
            ObjectId::new(Kind::Index, index.to_vec())
        }
    }

    /// The index, or the constraint that it is behind.
    pub fn child(&self, id: &ObjectId) -> ObjectId {
        Self::index(self.constraint, &self.table, id.path.parts())
    }

    /// The attachment of the partition.
    pub fn partition(&self) -> ObjectId {
        ObjectId::new(Kind::Attachment, self.table.clone())
    }

    /// The partitioned index, or the constraint that it is behind.
    pub fn parent_id(&self) -> ObjectId {
        Self::index(self.parent_constraint, &self.parent_table, &self.parent)
    }
}

impl Definition for IndexAttachment {
    const QUERY: &'static str = include_str!("index_attachment.sql");
    const ROWS: &'static str = "pg_inherits";

    fn create(&self, id: &ObjectId) -> Ddl {
        Ddl::statement(format!("ALTER INDEX {} ATTACH PARTITION {}", sql::qualified(&self.parent), id.sql()))
    }

    /// There is no way to detach an index: it goes with its partition or with the partitioned index.
    fn drop(&self, _: &ObjectId) -> Ddl {
        Ddl::Statements(Vec::new())
    }

    fn alter(pair: Pair<&Self>, _: &ObjectId) -> Alter {
        let Self { parent: _, table: _, parent_table: _, constraint: _, parent_constraint: _ } = pair.after;
        Alter::Replace
    }

    fn part_of(&self, id: &ObjectId) -> Option<ObjectId> {
        Some(self.child(id))
    }

    fn needs(&self, id: &ObjectId) -> Vec<ObjectId> {
        vec![
            self.child(id),
            self.parent_id(),
            self.partition(),
        ]
    }

    fn survives(&self, touch: Touch) -> bool {
        touch < Touch::Drop
    }
}
