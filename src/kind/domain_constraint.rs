//! Checks of domains.

use serde::{Deserialize, Serialize};

use super::{Alter, Ddl, Definition};
use crate::{
    name::{Kind, ObjectId, Pair},
    sql::{self, Sql},
};

/// A check of a domain. Its path is the domain's, and its own name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DomainConstraint {
    /// What it says of `VALUE`.
    pub condition: String,
    /// Whether every stored value is known to satisfy it.
    pub validated: bool,
}

impl DomainConstraint {
    /// `CONSTRAINT name CHECK (…)`, for CREATE DOMAIN and ADD.
    pub fn element(&self, id: &ObjectId) -> String {
        let not_valid = if self.validated { "" } else { " NOT VALID" };
        format!("CONSTRAINT {} CHECK ({}){not_valid}", id.sql(), self.condition)
    }

    /// The statement that proves it of all that is stored.
    pub fn validate(id: &ObjectId) -> Sql {
        alter_domain(id, format!("VALIDATE CONSTRAINT {}", id.sql()))
    }
}

fn alter_domain(id: &ObjectId, what: String) -> Sql {
    Sql::new(format!("ALTER DOMAIN {} {what}", id.relation_sql()))
}

impl Definition for DomainConstraint {
    const QUERY: &'static str = include_str!("domain_constraint.sql");
    const ROWS: &'static str = "pg_constraint WHERE contypid >= 16384";

    fn create(&self, id: &ObjectId) -> Ddl {
        Ddl::Statements(vec![alter_domain(id, format!("ADD {}", self.element(id)))])
    }

    fn drop(&self, id: &ObjectId) -> Ddl {
        Ddl::Statements(vec![alter_domain(id, format!("DROP CONSTRAINT {}", id.sql()))])
    }

    fn alter(pair: Pair<&Self>, id: &ObjectId) -> Alter {
        let Self { condition, validated } = pair.after;
        if *condition != pair.before.condition || !validated {
            return Alter::Replace;
        }
        Alter::InPlace(Ddl::Statements(vec![Self::validate(id)]), None)
    }

    fn rename(&self, ids: Pair<&ObjectId>) -> Option<Ddl> {
        let to = sql::ident(ids.after.path.last());
        let rename = alter_domain(ids.before, format!("RENAME CONSTRAINT {} TO {to}", ids.before.sql()));
        Some(Ddl::Statements(vec![rename]))
    }

    fn part_of(&self, id: &ObjectId) -> Option<ObjectId> {
        Some(ObjectId::new(Kind::Domain, [id.path.part(0), id.path.part(1)]))
    }

    fn needs(&self, id: &ObjectId) -> Vec<ObjectId> {
        self.part_of(id).into_iter().collect()
    }
}
