//! Enum types: ordered labels that columns store by reference.

use serde::{Deserialize, Serialize};

use super::{Alter, Ddl, Definition, Touch};
use crate::{name::{ObjectId, Pair}, sql::{self, Sql}};

/// An enum type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Enum {
    /// In sort order.
    pub labels: Vec<String>,
}

impl Definition for Enum {
    const QUERY: &'static str = include_str!("enumeration.sql");
    const ROWS: &'static str = "pg_type WHERE typtype = 'e' AND oid >= 16384";
    const STORED: bool = true;

    fn create(&self, id: &ObjectId) -> Ddl {
        let labels: Vec<String> = self.labels.iter().map(|label| sql::literal(label)).collect();
        Ddl::statement(format!("CREATE TYPE {} AS ENUM ({})", id.sql(), labels.join(", ")))
    }

    fn drop(&self, id: &ObjectId) -> Ddl {
        Ddl::statement(format!("DROP TYPE {}", id.sql()))
    }

    /// Labels can be added anywhere; taking one away or changing the order makes another type of it.
    fn alter(pair: Pair<&Self>, id: &ObjectId) -> Alter {
        let Self { labels: before } = pair.before;
        let Self { labels: after } = pair.after;
        let kept: Vec<&String> = after.iter().filter(|label| before.contains(label)).collect();
        if !kept.iter().copied().eq(before.iter()) {
            return Alter::Rebuild;
        }
        let mut statements = Vec::new();
        for (at, label) in after.iter().enumerate().filter(|(_, label)| !before.contains(label)) {
            // what stands before it is there by now; in front of the first one it is put before the first old label
            let place = match (at.checked_sub(1).and_then(|at| after.get(at)), before.first()) {
                (Some(previous), _) => format!(" AFTER {}", sql::literal(previous)),
                (None, Some(first)) => format!(" BEFORE {}", sql::literal(first)),
                (None, None) => String::new(),
            };
            let place = if at + 1 == after.len() { String::new() } else { place };
            statements.push(Sql::new(format!("ALTER TYPE {} ADD VALUE {}{place}", id.sql(), sql::literal(label))));
        }
        Alter::InPlace(Ddl::Statements(statements), None)
    }

    fn rename(&self, ids: Pair<&ObjectId>) -> Option<Ddl> {
        Some(Ddl::statement(format!("ALTER TYPE {} RENAME TO {}", ids.before.sql(), sql::ident(ids.after.path.last()))))
    }

    fn survives(&self, touch: Touch) -> bool {
        touch < Touch::Drop
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::name::Kind;

    fn alter(before: &[&str], after: &[&str]) -> Alter {
        let labels = |list: &[&str]| Enum { labels: list.iter().map(ToString::to_string).collect() };
        Enum::alter(Pair::new(&labels(before), &labels(after)), &ObjectId::new(Kind::Enum, ["public", "e"]))
    }

    #[test]
    fn labels_are_added_where_they_belong() {
        let Alter::InPlace(ddl, None) = alter(&["b", "d"], &["a", "b", "c", "d", "e"]) else { panic!("in place") };
        let statements: Vec<String> = ddl.into_statements().iter().map(ToString::to_string).collect();
        assert_eq!(
            statements,
            [
                "ALTER TYPE public.e ADD VALUE 'a' BEFORE 'b'",
                "ALTER TYPE public.e ADD VALUE 'c' AFTER 'b'",
                "ALTER TYPE public.e ADD VALUE 'e'",
            ]
        );
    }

    #[test]
    fn a_removed_or_moved_label_makes_another_type() {
        assert_eq!(alter(&["a", "b"], &["a"]), Alter::Rebuild);
        assert_eq!(alter(&["a", "b"], &["b", "a"]), Alter::Rebuild);
    }
}
