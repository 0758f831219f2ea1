//! Whether row security hides rows from those who have to see them all.
//!
//! A backfill runs with the rights of the table's owner. `FORCE ROW LEVEL SECURITY` applies policies to the owner, too, unless he has
//! BYPASSRLS; with `row_security = off`, as trueup sets it, PostgreSQL refuses such a statement instead of leaving rows out (manual,
//! 5.9). So it is said before anything is done.

use super::super::{ApplyError, Refusal};
use crate::{name::Kind, plan::PlanFile, postgres::Session};

/// Tables whose owner does not see all rows of them.
const HIDDEN: &str = "\
SELECT wanted.name, r.rolname::text FROM unnest($1::text[]) AS wanted (name) \
  JOIN pg_catalog.pg_class c ON c.oid = pg_catalog.to_regclass(wanted.name) \
  JOIN pg_catalog.pg_roles r ON r.oid = c.relowner \
 WHERE c.relrowsecurity AND c.relforcerowsecurity AND NOT r.rolbypassrls AND NOT r.rolsuper ORDER BY 1";

/// Looks at the tables that steps fill. One that an earlier step of the plan changes is left to that.
pub(super) async fn look<'a>(
    session: &Session,
    filled: impl Iterator<Item = (&'a str, u32)>,
    file: &PlanFile,
) -> Result<String, ApplyError> {
    let is_changed = |table: &str, before: u32| {
        let mut earlier = file.plan.steps.iter().filter(|step| step.id < before);
        earlier.any(|step| step.object.kind == Kind::Table && step.object.sql() == table)
    };
    let tables: Vec<&str> =
        filled.filter(|(table, step)| !is_changed(table, *step)).map(|(table, _)| table).collect();
    if tables.is_empty() {
        return Ok("no table is filled".to_owned());
    }
    let query = |source| ApplyError::Query { what: "asking for row security", source };
    let rows = session.client().query(HIDDEN, &[&tables]).await.map_err(query)?;
    let mut hidden = Vec::new();
    for row in rows {
        hidden.push((row.try_get(0).map_err(query)?, row.try_get(1).map_err(query)?));
    }
    if hidden.is_empty() {
        return Ok("all rows are seen of what is filled".to_owned());
    }
    Err(Refusal::RowSecurity(hidden).into())
}
