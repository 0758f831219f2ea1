//! Domains: a base type with a default and checks of its own.

use serde::{Deserialize, Serialize};

use super::{Alter, Ddl, Definition};
use crate::{name::{ObjectId, Pair}, sql::{self, Sql}};

/// A domain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Domain {
    /// The base type with its modifier.
    pub base: String,
    /// The collation where it is not the base type's.
    pub collation: Option<String>,
    /// Whether NULL is refused.
    pub not_null: bool,
    /// The default expression.
    pub default: Option<String>,
    /// The checks, by name.
    pub checks: Vec<DomainCheck>,
}

/// One check of a domain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DomainCheck {
    /// The constraint's name.
    pub name: String,
    /// `CHECK (…)`, with NOT VALID where it was never proven.
    pub definition: String,
}

impl Definition for Domain {
    const QUERY: &'static str = include_str!("domain.sql");

    fn create(&self, id: &ObjectId) -> Ddl {
        let Self { base, collation, not_null, default, checks } = self;
        let mut text = format!("CREATE DOMAIN {} AS {base}", id.sql());
        if let Some(collation) = collation {
            text += &format!(" COLLATE {collation}");
        }
        if let Some(default) = default {
            text += &format!(" DEFAULT {default}");
        }
        if *not_null {
            text += " NOT NULL";
        }
        let (unproven, proven): (Vec<_>, Vec<_>) = checks.iter().partition(|check| check.definition.ends_with(" NOT VALID"));
        for check in proven {
            text += &format!("\n    CONSTRAINT {} {}", sql::ident(&check.name), check.definition);
        }
        let mut statements = vec![Sql::new(text)];
        statements.extend(unproven.into_iter().map(|check| add_check(id, check)));
        Ddl::Statements(statements)
    }

    fn drop(&self, id: &ObjectId) -> Ddl {
        Ddl::statement(format!("DROP DOMAIN {}", id.sql()))
    }

    fn alter(pair: Pair<&Self>, id: &ObjectId) -> Alter {
        let Self { base, collation, not_null, default, checks } = pair.after;
        if *base != pair.before.base || *collation != pair.before.collation {
            return Alter::Rebuild;
        }
        let mut statements = Vec::new();
        let mut say = |what: String| statements.push(Sql::new(format!("ALTER DOMAIN {} {what}", id.sql())));
        for check in pair.before.checks.iter().filter(|check| !checks.contains(check)) {
            say(format!("DROP CONSTRAINT {}", sql::ident(&check.name)));
        }
        match default {
            _ if *default == pair.before.default => {}
            Some(default) => say(format!("SET DEFAULT {default}")),
            None => say("DROP DEFAULT".to_owned()),
        }
        if *not_null != pair.before.not_null {
            say(if *not_null { "SET NOT NULL" } else { "DROP NOT NULL" }.to_owned());
        }
        statements.extend(checks.iter().filter(|check| !pair.before.checks.contains(check)).map(|check| add_check(id, check)));
        Alter::InPlace(Ddl::Statements(statements), None)
    }

    fn rename(&self, ids: Pair<&ObjectId>) -> Option<Ddl> {
        Some(Ddl::statement(format!("ALTER DOMAIN {} RENAME TO {}", ids.before.sql(), sql::ident(ids.after.path.last()))))
    }
}

fn add_check(id: &ObjectId, check: &DomainCheck) -> Sql {
    Sql::new(format!("ALTER DOMAIN {} ADD CONSTRAINT {} {}", id.sql(), sql::ident(&check.name), check.definition))
}
