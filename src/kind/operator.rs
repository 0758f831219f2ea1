//! Operators, told apart by the types of their operands.

use serde::{Deserialize, Serialize};

use super::{Alter, Ddl, Definition};
use crate::name::{ObjectId, Pair};

/// An operator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Operator {
    /// The function behind it.
    pub function: String,
    /// The operator that gives the same with its operands exchanged.
    pub commutator: Option<String>,
    /// The operator that gives the opposite.
    pub negator: Option<String>,
    /// The function that estimates how many rows a restriction leaves.
    pub restrict: Option<String>,
    /// The function that estimates how many rows a join leaves.
    pub join: Option<String>,
    /// Whether it may be used for hash joins.
    pub hashes: bool,
    /// Whether it may be used for merge joins.
    pub merges: bool,
}

impl Definition for Operator {
    const QUERY: &'static str = include_str!("operator.sql");
    const ROWS: &'static str = "pg_operator WHERE oid >= 16384";

    fn create(&self, id: &ObjectId) -> Ddl {
        let Self { function, commutator, negator, restrict, join, hashes, merges } = self;
        let mut parts = vec![format!("FUNCTION = {function}")];
        let (left, right) = id.path.part(2).split_once(", ").unwrap_or(("NONE", id.path.part(2)));
        for (side, operand) in [("LEFTARG", left), ("RIGHTARG", right)] {
            if operand != "NONE" {
                parts.push(format!("{side} = {operand}"));
            }
        }
        let named = [("COMMUTATOR", commutator), ("NEGATOR", negator), ("RESTRICT", restrict), ("JOIN", join)];
        parts.extend(named.into_iter().filter_map(|(name, value)| value.as_ref().map(|value| format!("{name} = {value}"))));
        parts.extend([(hashes, "HASHES"), (merges, "MERGES")].into_iter().filter(|(on, _)| **on).map(|(_, word)| word.to_owned()));
        Ddl::statement(format!("CREATE OPERATOR {} (\n    {}\n)", id.operator_name(), parts.join(",\n    ")))
    }

    fn drop(&self, id: &ObjectId) -> Ddl {
        Ddl::statement(format!("DROP OPERATOR {}", id.sql()))
    }

    /// Only what the planner is told can be changed in place (PostgreSQL manual, ALTER OPERATOR).
    fn alter(pair: Pair<&Self>, id: &ObjectId) -> Alter {
        let Pair { before, after } = pair;
        let Self { function, commutator, negator, restrict, join, hashes, merges } = after;
        let same = *function == before.function
            && *commutator == before.commutator
            && *negator == before.negator
            && (hashes, merges) == (&before.hashes, &before.merges);
        if !same {
            return Alter::Replace;
        }
        let mut parts = Vec::new();
        for (name, old, new) in [("RESTRICT", &before.restrict, restrict), ("JOIN", &before.join, join)] {
            if old != new {
                parts.push(format!("{name} = {}", new.as_deref().unwrap_or("NONE")));
            }
        }
        Alter::InPlace(Ddl::statement(format!("ALTER OPERATOR {} SET ({})", id.sql(), parts.join(", "))), None)
    }
}
