//! Publications. The tables and schemas in one are objects of their own.

use serde::{Deserialize, Serialize};

use super::{Alter, Ddl, Definition};
use crate::{
    name::{ObjectId, Pair},
    sql,
};

/// A publication.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Publication {
    /// FOR ALL TABLES.
    pub all_tables: bool,
    /// The operations: `insert, update, delete, truncate`.
    pub publish: String,
    /// Whether changes of a partition are published as the partitioned table's.
    pub via_root: bool,
    /// `none` or `stored`: whether generated columns are published (18 and later).
    pub generated_columns: Option<String>,
}

impl Publication {
    fn options(&self) -> Vec<String> {
        let Self { all_tables: _, publish, via_root, generated_columns } = self;
        let mut options = vec![
            format!("publish = {}", sql::literal(publish)),
            format!("publish_via_partition_root = {via_root}"),
        ];
        options.extend(generated_columns.iter().map(|columns| format!("publish_generated_columns = {columns}")));
        options
    }

    /// What it is where nothing is said of it (PostgreSQL manual, CREATE PUBLICATION).
    fn unsaid(&self) -> Self {
        Self {
            all_tables: self.all_tables,
            publish: "insert, update, delete, truncate".to_owned(),
            via_root: false,
            generated_columns: self.generated_columns.as_ref().map(|_| "none".to_owned()),
        }
    }
}

/// The options that differ.
fn changes(pair: Pair<&Publication>) -> Vec<String> {
    let before = pair.before.options();
    pair.after.options().into_iter().filter(|option| !before.contains(option)).collect()
}

impl Definition for Publication {
    const QUERY: &'static str = include_str!("publication.sql");
    const ROWS: &'static str = "pg_publication";

    fn create(&self, id: &ObjectId) -> Ddl {
        let all = if self.all_tables { " FOR ALL TABLES" } else { "" };
        let options = changes(Pair::new(&self.unsaid(), self));
        let with = if options.is_empty() { String::new() } else { format!(" WITH ({})", options.join(", ")) };
        Ddl::statement(format!("CREATE PUBLICATION {}{all}{with}", id.sql()))
    }

    fn drop(&self, id: &ObjectId) -> Ddl {
        Ddl::statement(format!("DROP PUBLICATION {}", id.sql()))
    }

    fn alter(pair: Pair<&Self>, id: &ObjectId) -> Alter {
        let Self { all_tables, publish: _, via_root: _, generated_columns: _ } = pair.after;
        if *all_tables != pair.before.all_tables {
            return Alter::Replace;
        }
        Alter::InPlace(Ddl::statement(format!("ALTER PUBLICATION {} SET ({})", id.sql(), changes(pair).join(", "))), None)
    }

    fn rename(&self, ids: Pair<&ObjectId>) -> Option<Ddl> {
        Some(Ddl::statement(format!("ALTER PUBLICATION {} RENAME TO {}", ids.before.sql(), ids.after.sql())))
    }
}
