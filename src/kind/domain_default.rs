//! Defaults of domains. `pg_depend` knows them as the domain itself: what only the default needs is told apart in
//! source/dependencies.sql, under the sub-number -1.

use serde::{Deserialize, Serialize};

use super::{Alter, Ddl, Definition, Touch};
use crate::name::{Kind, ObjectId, Pair};

/// The default of a domain. Its path is the domain's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DomainDefault {
    /// The expression.
    pub expression: String,
}

impl Definition for DomainDefault {
    const QUERY: &'static str = include_str!("domain_default.sql");
    const ROWS: &'static str = "pg_type WHERE typtype = 'd' AND typdefault IS NOT NULL AND oid >= 16384";

    fn create(&self, id: &ObjectId) -> Ddl {
        Ddl::statement(format!("ALTER DOMAIN {} SET DEFAULT {}", id.sql(), self.expression))
    }

    fn drop(&self, id: &ObjectId) -> Ddl {
        Ddl::statement(format!("ALTER DOMAIN {} DROP DEFAULT", id.sql()))
    }

    fn alter(pair: Pair<&Self>, id: &ObjectId) -> Alter {
        let Self { expression: _ } = pair.after;
        Alter::InPlace(pair.after.create(id), None)
    }

    fn part_of(&self, id: &ObjectId) -> Option<ObjectId> {
        Some(ObjectId { kind: Kind::Domain, path: id.path.clone() })
    }

    fn needs(&self, id: &ObjectId) -> Vec<ObjectId> {
        self.part_of(id).into_iter().collect()
    }

    fn survives(&self, touch: Touch) -> bool {
        touch <= Touch::Modifier
    }
}
