//! Tables in publications.

use serde::{Deserialize, Serialize};

use super::{Alter, Ddl, Definition, Touch};
use crate::{
    name::{Kind, ObjectId, Pair},
    sql,
};

/// A table in a publication. Its path is the table's, and the publication's name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PublishedTable {
    /// The columns that are published, where not all are (15 and later).
    pub columns: Option<Vec<String>>,
    /// The condition that rows are published under (15 and later).
    pub filter: Option<String>,
}

impl Definition for PublishedTable {
    const QUERY: &'static str = include_str!("published_table.sql");
    const ROWS: &'static str = "pg_publication";

    fn create(&self, id: &ObjectId) -> Ddl {
        let Self { columns, filter } = self;
        let mut text = format!("ALTER PUBLICATION {} ADD TABLE ONLY {}", id.sql(), id.relation_sql());
        if let Some(columns) = columns {
            let columns: Vec<String> = columns.iter().map(|column| sql::ident(column)).collect();
            text += &format!(" ({})", columns.join(", "));
        }
        if let Some(filter) = filter {
            text += &format!(" WHERE ({filter})");
        }
        Ddl::statement(text)
    }

    fn drop(&self, id: &ObjectId) -> Ddl {
        Ddl::statement(format!("ALTER PUBLICATION {} DROP TABLE ONLY {}", id.sql(), id.relation_sql()))
    }

    fn alter(_: Pair<&Self>, _: &ObjectId) -> Alter {
        Alter::Replace
    }

    fn survives(&self, touch: Touch) -> bool {
        touch <= Touch::Modifier
    }

    fn needs(&self, id: &ObjectId) -> Vec<ObjectId> {
        let publication = ObjectId::new(Kind::Publication, [id.path.last()]);
        id.relation().into_iter().chain([publication]).collect()
    }
}
