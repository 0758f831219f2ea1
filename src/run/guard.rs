//! Rows that came after it was asked what a step loses: looked for once more when nobody can write any more.
//!
//! What a rollback loses is counted without a lock, and hooks run behind that. So a step of which it was found that it loses
//! nothing locks its relation first, and asks again; if there is something now, its batch is taken back. The lock is the one that
//! the step takes anyway, and the question has little time ([`LIMIT_MS`]): a table that takes longer to read is not held for that.

use tokio_postgres::error::SqlState;

use super::{Attempt, Failed, Item, RunError, as_owner::Owner};
use crate::{sql, step::Timeouts};

/// How long the question may take, in milliseconds.
const LIMIT_MS: u32 = 1_000;

/// What must not be there.
#[derive(Debug, Clone)]
pub struct Guard {
    /// The relation.
    pub relation: String,
    /// A query that has a row if it is.
    pub query: String,
}

/// There is something.
#[derive(Debug, thiserror::Error)]
#[error(
    "{0} has rows now that would be lost or would lose values, and had none when that was asked; roll back again to be asked again"
)]
pub struct NewRows(String);

/// What the block raises that asks.
const FOUND: SqlState = SqlState::TRIGGERED_ACTION_EXCEPTION;

/// Locks the relation, and fails if there is what must not be. Whether that has cleaned the session's settings.
pub(super) async fn pass<'a>(
    attempt: &Attempt<'a>,
    item: &'a Item,
    guard: &Guard,
) -> Result<bool, Failed<'a>> {
    let Guard { relation, query } = guard;
    attempt.statement(item, 0, &format!("LOCK TABLE {relation} IN ACCESS EXCLUSIVE MODE")).await?;
    let failed = |source| RunError::control(attempt.session, "asking what would be lost", source);
    let owner = if attempt.options.guarded {
        Owner::of_relation(attempt.session, relation).await.map_err(failed)?
    } else {
        None
    };
    let code = FOUND.code();
    let body =
        format!("BEGIN IF EXISTS ({query}) THEN RAISE EXCEPTION USING ERRCODE = '{code}'; END IF; END");
    let block = format!("DO {}", sql::dollar_quoted(&body));
    let limit = Timeouts { statement_ms: LIMIT_MS, ..item.action.timeouts }.set("LOCAL ");
    let asks = match &owner {
        Some(owner) => owner.run(&block, &limit, None),
        None => format!("{limit}; {block}"),
    };
    let client = attempt.session.client();
    client.batch_execute("SAVEPOINT trueup_guard").await.map_err(failed)?;
    match client.batch_execute(&asks).await {
        Ok(()) => client.batch_execute("RELEASE SAVEPOINT trueup_guard").await.map_err(failed)?,
        Err(error) if error.code() == Some(&FOUND) => {
            return Err(RunError::observer(NewRows(relation.clone())).into());
        }
        Err(error) if error.code() == Some(&SqlState::QUERY_CANCELED) => {
            tracing::debug!("{relation}: not asked again: {error}");
            let back = "ROLLBACK TO SAVEPOINT trueup_guard; RELEASE SAVEPOINT trueup_guard";
            client.batch_execute(back).await.map_err(failed)?;
        }
        Err(error) => return Err(failed(error).into()),
    }
    Ok(true)
}
