//! Row-security policies.

use serde::{Deserialize, Serialize};

use super::{Alter, Ddl, Definition};
use crate::{name::{ObjectId, Pair}, sql};

/// A policy of a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// Whether any one such policy lets a row through, or all such must.
    pub permissive: bool,
    /// `ALL`, `SELECT`, `INSERT`, `UPDATE` or `DELETE`.
    pub command: String,
    /// The roles, sorted; empty for PUBLIC.
    pub roles: Vec<String>,
    /// Which rows are seen.
    pub using: Option<String>,
    /// Which rows may be written.
    pub check: Option<String>,
}

impl Policy {
    fn roles(&self) -> String {
        if self.roles.is_empty() {
            return "PUBLIC".to_owned();
        }
        self.roles.iter().map(|role| sql::ident(role)).collect::<Vec<_>>().join(", ")
    }
}

impl Definition for Policy {
    const QUERY: &'static str = include_str!("policy.sql");
    const ROWS: &'static str = "pg_policy";

    fn create(&self, id: &ObjectId) -> Ddl {
        let Self { permissive, command, roles, using, check } = self;
        let mut text = format!("CREATE POLICY {} ON {}", id.sql(), id.relation_sql());
        if !permissive {
            text += " AS RESTRICTIVE";
        }
        if command != "ALL" {
            text += &format!(" FOR {command}");
        }
        if !roles.is_empty() {
            text += &format!(" TO {}", self.roles());
        }
        for (word, expression) in [("USING", using), ("WITH CHECK", check)] {
            if let Some(expression) = expression {
                text += &format!(" {word} ({expression})");
            }
        }
        Ddl::statement(text)
    }

    fn drop(&self, id: &ObjectId) -> Ddl {
        Ddl::statement(format!("DROP POLICY {} ON {}", id.sql(), id.relation_sql()))
    }

    /// ALTER POLICY changes roles and expressions, but cannot take an expression away.
    fn alter(pair: Pair<&Self>, id: &ObjectId) -> Alter {
        let Self { permissive, command, roles, using, check } = pair.after;
        let before = pair.before;
        let taken = |old: &Option<String>, new: &Option<String>| old.is_some() && new.is_none();
        if *permissive != before.permissive
            || *command != before.command
            || taken(&before.using, using)
            || taken(&before.check, check)
        {
            return Alter::Replace;
        }
        let mut text = format!("ALTER POLICY {} ON {}", id.sql(), id.relation_sql());
        if *roles != before.roles {
            text += &format!(" TO {}", pair.after.roles());
        }
        for (word, old, new) in [("USING", &before.using, using), ("WITH CHECK", &before.check, check)] {
            if let (true, Some(expression)) = (old != new, new) {
                text += &format!(" {word} ({expression})");
            }
        }
        Alter::InPlace(Ddl::statement(text), None)
    }

    fn rename(&self, ids: Pair<&ObjectId>) -> Option<Ddl> {
        let (old, new) = (ids.before.sql(), sql::ident(ids.after.path.last()));
        Some(Ddl::statement(format!("ALTER POLICY {old} ON {} RENAME TO {new}", ids.before.relation_sql())))
    }
}
