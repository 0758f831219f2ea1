//! Extended statistics.

use serde::{Deserialize, Serialize};

use super::{Alter, Ddl, Definition, Touch, any_order::AnyOrder};
use crate::{name::{Kind, ObjectId, Pair}, sql::{self, Sql}};

/// An extended statistics object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Statistics {
    /// `ndistinct` and the like; none means all of them.
    pub kinds: AnyOrder<String>,
    /// The columns that they are of. PostgreSQL keeps them in the order of the table, which is no difference.
    pub columns: AnyOrder<String>,
    /// The expressions that they are of.
    pub expressions: Vec<String>,
    /// Schema and name of the table.
    pub table: Vec<String>,
    /// The statistics target where it is set.
    pub target: Option<i32>,
}

impl Definition for Statistics {
    const QUERY: &'static str = include_str!("statistics.sql");
    const ROWS: &'static str = "pg_statistic_ext";

    fn create(&self, id: &ObjectId) -> Ddl {
        let Self { kinds, columns, expressions, table, target } = self;
        let kinds = if kinds.is_empty() { String::new() } else { format!(" ({})", kinds.join(", ")) };
        let columns = columns.iter().map(|name| sql::ident(name));
        let of: Vec<String> = columns.chain(expressions.iter().cloned()).collect();
        let (of, table) = (of.join(", "), sql::qualified(table));
        let mut statements = vec![Sql::new(format!("CREATE STATISTICS {}{kinds} ON {of} FROM {table}", id.sql()))];
        statements.extend(target.map(|target| set_target(id, target)));
        Ddl::Statements(statements)
    }

    fn drop(&self, id: &ObjectId) -> Ddl {
        Ddl::statement(format!("DROP STATISTICS {}", id.sql()))
    }

    fn alter(pair: Pair<&Self>, id: &ObjectId) -> Alter {
        let Self { kinds: _, columns: _, expressions: _, table: _, target } = pair.after;
        if (Self { target: *target, ..pair.before.clone() }) != *pair.after {
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
