//! Triggers, constraint triggers too.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::{Alter, Ddl, Definition, Touch};
use crate::{name::{Kind, ObjectId, Pair}, sql::{self, Sql}};

/// A trigger on a table or view.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trigger {
    /// `pg_get_triggerdef`.
    pub definition: String,
    /// Whether it is a constraint trigger.
    pub constraint: bool,
    /// Whether it is on a view.
    pub on_view: bool,
    /// `origin`, `replica`, `always` or `disabled`.
    pub enabled: String,
    /// Whether it fires on UPDATE, as the definition says.
    #[serde(skip_serializing)]
    pub on_update: bool,
    /// The columns of UPDATE OF, as the definition has them; none if it fires on every UPDATE or on none.
    #[serde(skip_serializing)]
    pub update_of: Vec<String>,
}

impl Trigger {
    const OF: &str = " UPDATE OF ";

    /// Where the columns of UPDATE OF stand in the definition.
    fn columns_at(&self) -> Option<Range<usize>> {
        let from = sql::find_outside(&self.definition, Self::OF)? + Self::OF.len();
        let length = sql::find_outside(&self.definition[from..], " ON ")?;
        // DELETE and TRUNCATE may come behind them
        let list = &self.definition[from..from + length];
        Some(from..from + sql::find_outside(list, " OR ").unwrap_or(length))
    }

    /// Whether an UPDATE that sets this column fires it, in a session of which `session_replication_role` is `origin`.
    pub fn fires_on_update_of(&self, column: &str) -> bool {
        let of = self.update_of.is_empty() || self.update_of.iter().any(|name| name == column);
        self.on_update && of && matches!(self.enabled.as_str(), "origin" | "always")
    }

    /// The same one, which fires on UPDATE OF another column, too.
    #[must_use]
    pub fn also_of(&self, column: &str) -> Self {
        let mut definition = self.definition.clone();
        if let Some(columns) = self.columns_at() {
            definition.insert_str(columns.end, &format!(", {}", sql::ident(column)));
        }
        let mut update_of = self.update_of.clone();
        update_of.push(column.to_owned());
        Self { definition, update_of, ..self.clone() }
    }
}

/// `ALTER TABLE … ENABLE REPLICA TRIGGER …`, for triggers and rules.
pub(super) fn enable_clause(what: &str, id: &ObjectId, enabled: &str) -> Sql {
    let verb = match enabled {
        "disabled" => "DISABLE",
        "replica" => "ENABLE REPLICA",
        "always" => "ENABLE ALWAYS",
        _ => "ENABLE",
    };
    Sql::new(format!("ALTER TABLE {} {verb} {what} {}", id.relation_sql(), id.sql()))
}

/// The table or view that a trigger or rule is on.
pub(super) fn relation(id: &ObjectId, on_view: bool) -> Option<ObjectId> {
    let relation = id.relation()?;
    Some(if on_view { ObjectId { kind: Kind::View, ..relation } } else { relation })
}

impl Definition for Trigger {
    const QUERY: &'static str = include_str!("trigger.sql");
    const ROWS: &'static str = "pg_trigger";

    fn create(&self, id: &ObjectId) -> Ddl {
        let mut statements = vec![Sql::new(&*self.definition)];
        if self.enabled != "origin" {
            statements.push(enable_clause("TRIGGER", id, &self.enabled));
        }
        Ddl::Statements(statements)
    }

    fn drop(&self, id: &ObjectId) -> Ddl {
        Ddl::statement(format!("DROP TRIGGER {} ON {}", id.sql(), id.relation_sql()))
    }

    /// CREATE OR REPLACE TRIGGER (14 and later) does not take constraint triggers.
    fn alter(pair: Pair<&Self>, id: &ObjectId) -> Alter {
        let Self { definition, constraint, on_view, enabled, on_update: _, update_of: _ } = pair.after;
        let before = pair.before;
        let redefined = *definition != before.definition;
        if redefined && (*constraint || before.constraint) || *on_view != before.on_view {
            return Alter::Replace;
        }
        let mut statements = Vec::new();
        if redefined {
            statements.push(Sql::new(definition.replacen("CREATE TRIGGER", "CREATE OR REPLACE TRIGGER", 1)));
        }
        // what is redefined fires as it does by default
        let was = if redefined { "origin" } else { &before.enabled };
        if enabled != was {
            statements.push(enable_clause("TRIGGER", id, enabled));
        }
        // partitions' copies become what this one is
        Alter::InPlace(Ddl::Statements(statements), Some(Touch::Modifier))
    }

    fn rename(&self, ids: Pair<&ObjectId>) -> Option<Ddl> {
        let (old, new) = (ids.before.sql(), sql::ident(ids.after.path.last()));
        Some(Ddl::statement(format!("ALTER TRIGGER {old} ON {} RENAME TO {new}", ids.before.relation_sql())))
    }

    fn part_of(&self, id: &ObjectId) -> Option<ObjectId> {
        relation(id, self.on_view)
    }

    fn survives(&self, touch: Touch) -> bool {
        let _ = touch;
        false
    }
}
