//! When a partition's copy of a trigger fires, where that is otherwise than the partitioned table's own. The copy itself
//! comes and goes with the partition and with the trigger that it is of.

use serde::{Deserialize, Serialize};

use super::{Alter, Ddl, Definition, trigger::enable_clause};
use crate::name::{Kind, ObjectId, Pair};

/// The state of a partition's copy of a trigger. Its path is the copy's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PartitionTrigger {
    /// `origin`, `replica`, `always` or `disabled`.
    pub enabled: String,
    /// What it would be if nobody had said anything: that of the table that this one is a partition of.
    pub inherited: String,
    /// That table's trigger: schema, table and name.
    pub parent: Vec<String>,
    /// The trigger that all these are copies of.
    pub root: Vec<String>,
}

impl PartitionTrigger {
    fn set(id: &ObjectId, enabled: &str) -> Ddl {
        Ddl::Statements(vec![enable_clause("TRIGGER", id, enabled)])
    }
}

impl Definition for PartitionTrigger {
    const QUERY: &'static str = include_str!("partition_trigger.sql");
    const ROWS: &'static str = "pg_inherits";

    fn create(&self, id: &ObjectId) -> Ddl {
        Self::set(id, &self.enabled)
    }

    fn drop(&self, id: &ObjectId) -> Ddl {
        Self::set(id, &self.inherited)
    }

    fn alter(pair: Pair<&Self>, id: &ObjectId) -> Alter {
        let Self { enabled, inherited: _, parent: _, root } = pair.after;
        if *root != pair.before.root {
            return Alter::Replace;
        }
        Alter::InPlace(Self::set(id, enabled), None)
    }

    fn part_of(&self, id: &ObjectId) -> Option<ObjectId> {
        Some(ObjectId::new(Kind::Attachment, id.path.parts()[..2].to_vec()))
    }

    /// Whatever is said of the trigger is said of its copies, too, and what is said of a copy of the copies of that.
    fn needs(&self, id: &ObjectId) -> Vec<ObjectId> {
        let triggers = [ObjectId::new(Kind::Trigger, self.root.clone()), ObjectId::new(Kind::PartitionTrigger, self.parent.clone())];
        triggers.into_iter().chain(self.part_of(id)).collect()
    }
}
