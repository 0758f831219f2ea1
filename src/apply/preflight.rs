//! `trueup preflight`: the whole list of checks, whatever fails, and nothing is changed.

use super::{ApplyError, Options, Silent, checklist::Walk, pin};
use crate::{
    journal::{self, Direction},
    postgres::Session,
};

pub use super::checklist::{Check, Limits, Verdict};

/// Looks at everything that an apply or a rollback would look at. Fails only where the database cannot be asked.
pub async fn preflight(options: &Options<'_>, direction: Direction) -> Result<Vec<Check>, ApplyError> {
    let session = Session::connect(&options.target.for_trueup()).await?;
    pin(&session).await?;
    let state = journal::state(&session, &options.plan.digest).await?;
    let checks = Walk::new(options, &session, direction, state).collect(&mut Silent).await?;
    session.close().await;
    Ok(checks)
}
