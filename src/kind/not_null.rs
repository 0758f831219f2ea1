//! NOT NULL as a constraint with a name, as PostgreSQL 18 and later have it.

use serde::{Deserialize, Serialize};

use crate::{
    name::{ObjectId, Pair},
    sql,
};

/// The constraint behind a column's NOT NULL.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NotNull {
    /// Its name.
    #[serde(skip_serializing_if = "is_automatic")]
    pub name: String,
    /// Whether inheritors may have NULL.
    pub no_inherit: bool,
    /// Whether every row is known to satisfy it.
    pub validated: bool,
}

/// Names that PostgreSQL gives do not follow when the table or the column is renamed: they are no difference.
fn is_automatic(name: &str) -> bool {
    name.trim_end_matches(|c: char| c.is_ascii_digit()).ends_with("_not_null")
}

impl PartialEq for NotNull {
    fn eq(&self, other: &Self) -> bool {
        self.own_name() == other.own_name()
            && (self.no_inherit, self.validated) == (other.no_inherit, other.validated)
    }
}

impl Eq for NotNull {}

/// What ALTER TABLE has to say when one becomes another, and the renaming, which is a statement of its own.
#[derive(Debug, Default)]
pub struct Changes {
    /// Behind ALTER TABLE.
    pub clauses: Vec<String>,
    /// Behind another ALTER TABLE.
    pub renaming: Option<String>,
}

impl NotNull {
    /// The name, where somebody chose it.
    pub fn own_name(&self) -> Option<&str> {
        Some(self.name.as_str()).filter(|name| !is_automatic(name))
    }

    fn named(&self) -> String {
        self.own_name().map_or_else(String::new, |name| format!("CONSTRAINT {} ", sql::ident(name)))
    }

    fn no_inherit(&self) -> &'static str {
        if self.no_inherit { " NO INHERIT" } else { "" }
    }

    /// Whether it cannot stand behind a new column: that it is not validated cannot be said there, and inheritors of
    /// the table would get it although it says NO INHERIT (18.1).
    pub fn comes_after(&self) -> bool {
        !self.validated || self.no_inherit
    }

    /// Behind a new column, if it can stand there.
    pub fn element(&self) -> String {
        if self.comes_after() { String::new() } else { format!(" {}NOT NULL", self.named()) }
    }

    /// Behind ALTER TABLE, for a column that is there.
    pub fn addition(&self, column: &str) -> String {
        self.addition_of(&self.named(), column)
    }

    /// The same under a name that PostgreSQL is not left to choose.
    pub fn addition_as(&self, name: &str, column: &str) -> String {
        self.addition_of(&format!("CONSTRAINT {} ", sql::ident(name)), column)
    }

    fn addition_of(&self, named: &str, column: &str) -> String {
        let not_valid = if self.validated { "" } else { " NOT VALID" };
        format!("ADD {named}NOT NULL {column}{}{not_valid}", self.no_inherit())
    }

    /// How one becomes the other on a column that refuses NULL with both.
    pub fn changes(pair: Pair<&Self>, id: &ObjectId) -> Changes {
        let Pair { before, after } = pair;
        // ALTER CONSTRAINT … NO INHERIT would leave it to the inheritors
        if before.validated && !after.validated || after.no_inherit && !before.no_inherit {
            let column = id.sql();
            let drop = format!("ALTER COLUMN {column} DROP NOT NULL");
            return Changes { clauses: vec![drop, after.addition(&column)], renaming: None };
        }
        let old = sql::ident(&before.name);
        let mut clauses = Vec::new();
        if before.no_inherit && !after.no_inherit {
            clauses.push(format!("ALTER CONSTRAINT {old} INHERIT"));
        }
        if after.validated && !before.validated {
            clauses.push(format!("VALIDATE CONSTRAINT {old}"));
        }
        let renamed = before.own_name() != after.own_name();
        let renaming = renamed.then(|| format!("RENAME CONSTRAINT {old} TO {}", sql::ident(&after.name)));
        Changes { clauses, renaming }
    }
}
