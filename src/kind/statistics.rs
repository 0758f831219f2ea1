//! Extended statistics.

use serde::{Deserialize, Serialize};

use super::{Alter, Ddl, Definition, Touch};
use crate::{name::{Kind, ObjectId, Pair}, sql::{self, Sql}};

/// An extended statistics object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Statistics {
    /// `pg_get_statisticsobjdef`.
    pub definition: String,
    /// Schema and name of the table.
    pub table: Vec<String>,
    /// The statistics target where it is set.
    pub target: Option<i32>,
}

impl Definition for Statistics {
    const QUERY: &'static str = include_str!("statistics.sql");
    const ROWS: &'static str = "pg_statistic_ext";

    fn create(&self, id: &ObjectId) -> Ddl {
        let mut statements = vec![Sql::new(&*self.definition)];
        statements.extend(self.target.map(|target| set_target(id, target)));
        Ddl::Statements(statements)
    }

    fn drop(&self, id: &ObjectId) -> Ddl {
        Ddl::statement(format!("DROP STATISTICS {}", id.sql()))
    }

    fn alter(pair: Pair<&Self>, id: &ObjectId) -> Alter {
        let Self { definition, table: _, target } = pair.after;
        if *definition != pair.before.definition {
            return Alter::Replace;
        }
        Alter::InPlace(Ddl::Statements(vec![set_target(id, target.unwrap_or(-1))]), None)
    }

    fn rename(&self, ids: Pair<&ObjectId>) -> Option<Ddl> {
        let name = sql::ident(ids.after.path.last());
        Some(Ddl::statement(format!("ALTER STATISTICS {} RENAME TO {name}", ids.before.sql())))
    }

    fn part_of(&self, _: &ObjectId) -> Option<ObjectId> {
        Some(ObjectId::new(Kind::Table, self.table.clone()))
    }

    fn survives(&self, touch: Touch) -> bool {
        touch <= Touch::Type
    }
}

fn set_target(id: &ObjectId, target: i32) -> Sql {
    Sql::new(format!("ALTER STATISTICS {} SET STATISTICS {target}", id.sql()))
}
