//! The database is asked to write down who changes its schema, or not to any more.

use std::time::Duration;

use super::{ApplyError, Refusal, checklist, lock};
use crate::{
    journal::{self, Audited},
    postgres::{Session, Target},
    run::Stop,
};

/// Begins, or ends, the writing down. Whether that is a change.
pub async fn audit(target: &Target, on: bool, wait: Duration) -> Result<bool, ApplyError> {
    let session = Session::connect(&target.for_trueup()).await?;
    let result = audit_on(&session, on, wait).await;
    session.close().await;
    result
}

async fn audit_on(session: &Session, on: bool, wait: Duration) -> Result<bool, ApplyError> {
    checklist::must::primary(session).await?;
    super::pin(session).await?;
    lock::take(session, wait, &Stop::never()).await?;
    let (is, wanted) = (journal::is_audited(session).await?, if on { Audited::Yes } else { Audited::No });
    if is == wanted {
        return Ok(false);
    }
    if !journal::may_audit(session).await? {
        return Err(Refusal::Superuser { role: checklist::must::current_role(session).await? }.into());
    }
    if on {
        journal::ensure(session).await?;
        journal::audit(session).await?;
    } else {
        journal::stop_audit(session).await?;
    }
    Ok(true)
}
