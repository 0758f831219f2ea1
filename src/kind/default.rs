//! Column defaults.

use serde::{Deserialize, Serialize};

use super::{Alter, Ddl, Definition, TableDdl, Touch};
use crate::name::{Kind, ObjectId, Pair};

/// The default of a column (or of a view's column).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Default {
    /// The expression.
    pub expression: String,
}

impl Default {
    fn clause(id: &ObjectId, what: String) -> Ddl {
        let clauses = vec![format!("ALTER COLUMN {} {what}", id.sql())];
        // a partition's own default is an object of its own
        Ddl::Table(TableDdl { table: id.relation_sql(), clauses, element: None, only: true })
    }
}

impl Definition for Default {
    const QUERY: &'static str = include_str!("default.sql");
    const ROWS: &'static str = "pg_attrdef";

    fn create(&self, id: &ObjectId) -> Ddl {
        Self::clause(id, format!("SET DEFAULT {}", self.expression))
    }

    fn drop(&self, id: &ObjectId) -> Ddl {
        Self::clause(id, "DROP DEFAULT".to_owned())
    }

    fn alter(pair: Pair<&Self>, id: &ObjectId) -> Alter {
        let Self { expression: _ } = pair.after;
        Alter::InPlace(pair.after.create(id), None)
    }

    fn part_of(&self, id: &ObjectId) -> Option<ObjectId> {
        Some(ObjectId { kind: Kind::Column, path: id.path.clone() })
    }

    fn needs(&self, id: &ObjectId) -> Vec<ObjectId> {
        self.part_of(id).into_iter().collect()
    }

    fn survives(&self, touch: Touch) -> bool {
        touch <= Touch::Modifier
    }
}
