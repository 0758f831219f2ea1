//! Casts, in no schema: named by the types that they lead from and to.

use serde::{Deserialize, Serialize};

use super::{Alter, Ddl, Definition};
use crate::name::{ObjectId, Pair};

/// A cast.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cast {
    /// `WITH FUNCTION f(…)`, `WITHOUT FUNCTION` or `WITH INOUT`.
    pub method: String,
    /// ` AS ASSIGNMENT`, ` AS IMPLICIT` or nothing.
    pub context: String,
}

impl Definition for Cast {
    const QUERY: &'static str = include_str!("cast.sql");
    const ROWS: &'static str = "pg_cast WHERE oid >= 16384";

    fn create(&self, id: &ObjectId) -> Ddl {
        let Self { method, context } = self;
        Ddl::statement(format!("CREATE CAST {} {method}{context}", id.sql()))
    }

    fn drop(&self, id: &ObjectId) -> Ddl {
        Ddl::statement(format!("DROP CAST {}", id.sql()))
    }

    fn alter(_: Pair<&Self>, _: &ObjectId) -> Alter {
        Alter::Replace
    }
}
