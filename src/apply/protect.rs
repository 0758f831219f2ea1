//! A policy is pinned in the database, beside the journal.

use std::time::Duration;

use super::{ApplyError, Refusal, lock, preflight};
use crate::{
    approval::pinned::Pinned,
    journal,
    postgres::{Session, Target},
    run::Stop,
};

/// Pins a policy, or none. One that asks for less than what is pinned is refused, unless `lower`. What was pinned before.
pub async fn protect(
    target: &Target,
    pinned: Option<&Pinned>,
    lower: bool,
    wait: Duration,
) -> Result<Option<Pinned>, ApplyError> {
    let session = Session::connect(&target.for_trueup()).await?;
    let result = protect_on(&session, pinned, lower, wait).await;
    session.close().await;
    result
}

async fn protect_on(
    session: &Session,
    pinned: Option<&Pinned>,
    lower: bool,
    wait: Duration,
) -> Result<Option<Pinned>, ApplyError> {
    preflight::must::primary(session).await?;
    super::pin(session).await?;
    lock::take(session, wait, &Stop::never()).await?;
    let before = journal::policy(session).await?;
    if before.as_ref() == pinned {
        return Ok(before);
    }
    let lowers = before.as_ref().is_some_and(|before| pinned.is_none_or(|new| before.is_lowered_by(new)));
    if lowers && !lower {
        return Err(Refusal::Lowers.into());
    }
    journal::ensure(session).await?;
    journal::pin(session, pinned).await?;
    Ok(before)
}
