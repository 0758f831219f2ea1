//! The gate between the phases: contract takes old names away, so nobody may write by them any more.

use std::time::Duration;

use super::{ApplyError, error::Refusal};
use crate::{plan::Plan, postgres::Session, step::OldName};

/// How an old name was used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Use {
    /// The old name.
    pub name: OldName,
    /// How many rows were written by it.
    pub writes: i64,
    /// How long ago the last one was.
    pub ago: Option<Duration>,
}

impl std::fmt::Display for Use {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { name, writes, ago } = self;
        let old = crate::sql::ident(&name.old);
        let table = name.column.relation_sql();
        match (writes, ago) {
            (0, _) | (_, None) => write!(f, "{old} of {table}: no row was written by that name"),
            (1, Some(ago)) => {
                write!(f, "{old} of {table}: 1 row was written by that name, {} ago", span(*ago))
            }
            (writes, Some(ago)) => {
                write!(
                    f,
                    "{old} of {table}: {writes} rows were written by that name, the last one {} ago",
                    span(*ago)
                )
            }
        }
    }
}

/// A length of time for people.
fn span(time: Duration) -> String {
    match time.as_secs() {
        seconds @ 0..120 => format!("{seconds} s"),
        seconds @ 120..7_200 => format!("{} min", seconds / 60),
        seconds => format!("{} h", seconds / 3_600),
    }
}

/// How the old names of a plan were used since expand. What a contract that was interrupted took away is not counted.
pub async fn uses(session: &Session, plan: &Plan) -> Result<Vec<Use>, ApplyError> {
    let query = |source| ApplyError::Query { what: "asking who writes by old names", source };
    let mut uses = Vec::new();
    for name in &plan.old_names {
        // no more than sequences are asked: a view in the place of one would run its owner's code
        let counted = "SELECT COALESCE(writes.at, 0), CASE WHEN last.at IS NOT NULL THEN \
                           GREATEST(pg_catalog.date_part('epoch', pg_catalog.clock_timestamp())::int8 - last.at, 0) END \
                       FROM pg_catalog.pg_class w, pg_catalog.pg_class l, \
                            LATERAL (SELECT pg_catalog.pg_sequence_last_value(w.oid)) AS writes (at), \
                            LATERAL (SELECT pg_catalog.pg_sequence_last_value(l.oid)) AS last (at) \
                       WHERE w.oid = pg_catalog.to_regclass($1) AND w.relkind = 'S' \
                         AND l.oid = pg_catalog.to_regclass($2) AND l.relkind = 'S'";
        let row = session.client().query_opt(counted, &[&name.writes, &name.last]).await.map_err(query)?;
        let Some(row) = row else { continue };
        let (writes, ago): (i64, Option<i64>) =
            (row.try_get(0).map_err(query)?, row.try_get(1).map_err(query)?);
        let ago = ago.and_then(|ago| u64::try_from(ago).ok()).map(Duration::from_secs);
        uses.push(Use { name: name.clone(), writes, ago });
    }
    Ok(uses)
}

/// What is accepted for contract to run although code still writes by names that it takes away.
pub const OLD_NAMES_IN_USE: &str = "OLD_NAMES_IN_USE";

/// What the journal says that was accepted of them.
pub(super) fn accepted(uses: &[Use], quiet: Duration) -> impl Iterator<Item = String> {
    fresh(uses, quiet).into_iter().map(|used| format!("{OLD_NAMES_IN_USE}: {used}"))
}

/// The uses by which an old name has not been quiet for long enough.
fn fresh(uses: &[Use], quiet: Duration) -> Vec<Use> {
    uses.iter().filter(|used| used.ago.is_some_and(|ago| ago < quiet)).cloned().collect()
}

/// Refuses unless every old name has been quiet for long enough. That is about the moment: no approval that was given before
/// says anything of it, and who runs contract all the same says so then.
pub(super) fn pass(uses: &[Use], quiet: Duration) -> Result<(), Refusal> {
    let fresh = fresh(uses, quiet);
    if fresh.is_empty() { Ok(()) } else { Err(Refusal::OldNames { fresh, quiet }) }
}
