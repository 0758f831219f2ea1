//! A policy is pinned in the database, beside the journal.

use std::{collections::BTreeSet, path::Path, time::Duration};

use jiff::Timestamp;

use super::{ApplyError, Refusal, checklist, lock};
use crate::{
    approval::{
        Approver,
        lowering::{self, Lowering},
        pinned::Pinned,
    },
    journal,
    postgres::{Session, Target},
    run::Stop,
};

/// What to pin, and how.
#[derive(Debug, Clone, Copy)]
pub struct Options<'a> {
    /// The policy; None: none any more.
    pub pinned: Option<&'a Pinned>,
    /// Whether one may be pinned that asks for less.
    pub lower: bool,
    /// Who says yes to that, and with which key, where the pinned policy asks for several.
    pub sign: Option<(&'a Approver, &'a Path)>,
    /// The time.
    pub now: Timestamp,
    /// How long to wait for another trueup in the same database.
    pub wait: Duration,
}

/// What it came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It was pinned already.
    Already,
    /// It is pinned now.
    Pinned,
    /// Too few have said yes to what asks for less.
    Waits {
        /// Who has.
        by: BTreeSet<Approver>,
        /// How many must.
        required: u32,
    },
}

/// Pins a policy, or none. One that asks for less than what is pinned is refused, unless `lower`.
pub async fn protect(target: &Target, options: &Options<'_>) -> Result<Outcome, ApplyError> {
    let session = Session::connect(&target.for_trueup()).await?;
    let result = protect_on(&session, options).await;
    session.close().await;
    result
}

async fn protect_on(session: &Session, options: &Options<'_>) -> Result<Outcome, ApplyError> {
    let Options { pinned, lower, wait, .. } = *options;
    checklist::must::primary(session).await?;
    super::pin(session).await?;
    lock::take(session, wait, &Stop::never()).await?;
    let before = journal::numbered_policy(session).await?;
    if before.as_ref().map(|(_, before)| before) == pinned {
        return Ok(Outcome::Already);
    }
    let lowered = before.filter(|(_, before)| pinned.is_none_or(|new| before.is_lowered_by(new)));
    if lowered.is_some() && !lower {
        return Err(Refusal::Lowers.into());
    }
    journal::ensure(session).await?;
    if let Some((number, before)) = lowered
        && before.required_lower > 0
    {
        let by = consent(session, number, &before, options).await?;
        let required = before.required_lower;
        if by.len() < usize::try_from(required).unwrap_or(usize::MAX) {
            return Ok(Outcome::Waits { by, required });
        }
    }
    journal::pin(session, pinned).await?;
    Ok(Outcome::Pinned)
}

/// Writes down the yes that is given now. Returns everybody's who gave one.
async fn consent(
    session: &Session,
    policy: i64,
    before: &Pinned,
    options: &Options<'_>,
) -> Result<BTreeSet<Approver>, ApplyError> {
    let Options { pinned, sign, now, .. } = *options;
    let Some((by, key)) = sign else { return Err(Refusal::LowersUnsigned(before.required_lower).into()) };
    let mut own = Lowering {
        policy,
        next: pinned.map(lowering::digest),
        database: journal::database(session).await?,
        by: by.clone(),
        created: Timestamp::from_second(now.as_second()).unwrap_or(now),
        signature: None,
    };
    own.sign(key)?;
    if let (counted, why) = lowering::count(before, std::slice::from_ref(&own), &own, now)?
        && counted.is_empty()
    {
        return Err(Refusal::LowersBadly(why.join("; ")).into());
    }
    journal::record_lowering(session, &own).await?;
    let all = journal::lowerings(session).await?;
    Ok(lowering::count(before, &all, &own, now)?.0)
}
