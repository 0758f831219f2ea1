//! Rewrite rules, other than the one that makes a view a view.

use serde::{Deserialize, Serialize};

use super::{Alter, Ddl, Definition, trigger::enable_clause};
use crate::{name::{ObjectId, Pair}, sql::{self, Sql}};

/// A rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// `pg_get_ruledef`.
    pub definition: String,
    /// Whether it is on a view.
    pub on_view: bool,
    /// `origin`, `replica`, `always` or `disabled`.
    pub enabled: String,
}

impl Definition for Rule {
    const QUERY: &'static str = include_str!("rule.sql");
    const ROWS: &'static str = "pg_rewrite WHERE rulename <> '_RETURN' AND oid >= 16384";

    fn create(&self, id: &ObjectId) -> Ddl {
        let mut statements = vec![Sql::new(&*self.definition)];
        if self.enabled != "origin" {
            statements.push(enable_clause("RULE", id, &self.enabled));
        }
        Ddl::Statements(statements)
    }

    fn drop(&self, id: &ObjectId) -> Ddl {
        Ddl::statement(format!("DROP RULE {} ON {}", id.sql(), id.relation_sql()))
    }

    fn alter(pair: Pair<&Self>, id: &ObjectId) -> Alter {
        let Self { definition, on_view: _, enabled } = pair.after;
        let mut statements = Vec::new();
        if *definition != pair.before.definition {
            statements.push(Sql::new(definition.replacen("CREATE RULE", "CREATE OR REPLACE RULE", 1)));
        }
        if *enabled != pair.before.enabled {
            statements.push(enable_clause("RULE", id, enabled));
        }
        Alter::InPlace(Ddl::Statements(statements), None)
    }

    fn rename(&self, ids: Pair<&ObjectId>) -> Option<Ddl> {
        let (old, new) = (ids.before.sql(), sql::ident(ids.after.path.last()));
        Some(Ddl::statement(format!("ALTER RULE {old} ON {} RENAME TO {new}", ids.before.relation_sql())))
    }

    fn part_of(&self, id: &ObjectId) -> Option<ObjectId> {
        super::trigger::relation(id, self.on_view)
    }
}
