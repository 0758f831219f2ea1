//! Schemas in publications: all of their tables (15 and later).

use serde::{Deserialize, Serialize};

use super::{Alter, Ddl, Definition, Touch};
use crate::{
    name::{Kind, ObjectId, Pair},
    sql,
};

/// A schema in a publication. Its path is the schema's name and the publication's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PublishedSchema {}

impl PublishedSchema {
    fn statement(id: &ObjectId, verb: &str) -> Ddl {
        let (publication, schema) = (sql::ident(id.path.last()), sql::ident(id.path.part(0)));
        Ddl::statement(format!("ALTER PUBLICATION {publication} {verb} TABLES IN SCHEMA {schema}"))
    }
}

impl Definition for PublishedSchema {
    const QUERY: &'static str = include_str!("published_schema.sql");
    const ROWS: &'static str = "pg_publication";

    fn create(&self, id: &ObjectId) -> Ddl {
        Self::statement(id, "ADD")
    }

    fn drop(&self, id: &ObjectId) -> Ddl {
        Self::statement(id, "DROP")
    }

    fn alter(pair: Pair<&Self>, _: &ObjectId) -> Alter {
        let Self {} = pair.after;
        Alter::Replace
    }

    fn survives(&self, touch: Touch) -> bool {
        touch < Touch::Drop
    }

    fn part_of(&self, id: &ObjectId) -> Option<ObjectId> {
        Some(ObjectId::new(Kind::Schema, [id.path.part(0)]))
    }

    fn needs(&self, id: &ObjectId) -> Vec<ObjectId> {
        vec![ObjectId::new(Kind::Publication, [id.path.last()])]
    }
}
