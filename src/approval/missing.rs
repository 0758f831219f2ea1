//! Why a phase may not run, and why an approval does not count, in words.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::{Approver, Database};
use crate::{plan::Digest, step::Phase, visible::visible_line};

/// Why a phase may not run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Missing {
    /// The plan is signed by nobody whose plans count.
    Planner(String),
    /// Too few approvals count.
    Approvals {
        /// Of which phase.
        phase: Phase,
        /// How many must.
        required: u32,
        /// How many do.
        counted: u32,
    },
    /// Roles that policy asks for, and that nobody fills.
    Roles {
        /// Of which phase.
        phase: Phase,
        /// Which.
        roles: BTreeSet<String>,
    },
    /// A danger that nobody accepted.
    Danger {
        /// Its code.
        code: String,
        /// The steps that have it.
        steps: Vec<u32>,
        /// Who would have to, by role, where policy says so.
        by: Option<BTreeSet<String>>,
    },
    /// An approval that does not count.
    Void {
        /// Whose.
        approver: Approver,
        /// Why not.
        why: Void,
    },
}

/// Why an approval does not count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Void {
    /// It is for another plan, or this one before it was changed.
    OtherPlan(Digest),
    /// It is for another phase.
    OtherPhase(Phase),
    /// It is for the other way.
    OtherWay,
    /// It was taken back.
    Revoked(Timestamp),
    /// Its time is over.
    Expired(Timestamp),
    /// It says that it will be given later than now.
    Future(Timestamp),
    /// It is older than the plan.
    Older(Timestamp),
    /// It is for other environments, or for one where none is named.
    OtherEnvironment {
        /// Those that it names.
        named: BTreeSet<String>,
        /// The one that is meant.
        here: Option<String>,
    },
    /// It is for another database, or for none where policy asks for one.
    OtherDatabase {
        /// The one that it names.
        named: Option<Database>,
        /// The one that is meant.
        here: Database,
    },
    /// The phase ran under it, and was taken back.
    Used,
    /// It is to be enough alone, and policy does not have the approver in `break_glass`.
    Glass,
    /// It is said to be taken back, by somebody who may not.
    Revocation(String),
    /// Policy does not count the author's own.
    Author,
    /// The plan does not say who made it, and policy does not count the author's own.
    NoAuthor,
    /// Policy counts these roles.
    Role(BTreeSet<String>),
    /// Another approval that counts is by the same key.
    SameKey(Approver),
    /// Policy counts signed ones only.
    Unsigned,
    /// Its signature is none of a key that the approver may sign with, or of something else.
    Signature(String),
}

impl Void {
    /// Whether it is the approval of another phase, or of the other way.
    pub(super) fn is_of_another(&self) -> bool {
        matches!(self, Self::OtherPhase(_) | Self::OtherWay)
    }
}

impl std::fmt::Display for Missing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Missing::Planner(why) => {
                write!(f, "the plan is by nobody whose plans count (`planned_by`): {}", visible_line(why))
            }
            Missing::Approvals { phase, required: 1, counted: 0 } => {
                write!(f, "phase {} is not approved", phase.label())
            }
            Missing::Approvals { phase, required, counted } => {
                write!(f, "phase {} has {counted} of {required} approvals", phase.label())
            }
            Missing::Roles { phase, roles } => {
                let roles = roles.iter().map(|role| format!("\"{role}\"")).collect::<Vec<_>>().join(" and ");
                write!(
                    f,
                    "phase {} needs an approval by someone in role {}",
                    phase.label(),
                    visible_line(&roles)
                )
            }
            Missing::Danger { code, steps, by } => {
                let steps = steps.iter().map(u32::to_string).collect::<Vec<_>>().join(", ");
                write!(f, "{} is not accepted (step {steps})", visible_line(code))?;
                let Some(by) = by else { return Ok(()) };
                let roles = by.iter().map(|role| format!("\"{role}\"")).collect::<Vec<_>>().join(" or ");
                write!(f, " by anyone in role {}", visible_line(&roles))
            }
            Missing::Void { approver, why } => {
                write!(f, "the approval by {approver} does not count: ")?;
                why.fmt(f)
            }
        }
    }
}

impl std::fmt::Display for Void {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Void::OtherPlan(digest) => {
                write!(f, "it is for the plan with digest {}…", digest.short())
            }
            Void::OtherPhase(phase) => write!(f, "it is for phase {}", phase.label()),
            Void::OtherWay => f.write_str("it is for the other way: one is to apply, one to roll back"),
            Void::Revoked(when) => write!(f, "it was revoked at {when}"),
            Void::Expired(when) => write!(f, "it expired at {when}"),
            Void::Future(when) => write!(f, "it is dated {when}, which is in the future"),
            Void::Older(when) => write!(f, "it is dated {when}, before the plan was made"),
            Void::OtherEnvironment { named, here } => environment(f, named, here.as_deref()),
            Void::OtherDatabase { named: Some(named), here } => write!(
                f,
                "it is for database {}; this is {}",
                visible_line(&named.to_string()),
                visible_line(&here.to_string())
            ),
            Void::OtherDatabase { named: None, here } => write!(
                f,
                "it names no database, and policy asks for one; approve with --database {}",
                visible_line(&here.to_string())
            ),
            Void::Used => f.write_str("the phase ran under it already, and was taken back; approve again"),
            Void::Glass => f.write_str("it breaks the glass, and `break_glass` of policy does not have them"),
            Void::Revocation(why) => {
                write!(f, "it is marked as revoked, and not by who may: {}; approve again", visible_line(why))
            }
            Void::Author => write!(f, "they made the plan"),
            Void::NoAuthor => {
                write!(f, "the plan does not say who made it, and policy does not count the author's own")
            }
            Void::SameKey(other) => write!(f, "it is signed with the same key as that by {other}"),
            Void::Unsigned => f.write_str("it is not signed (--sign KEY), and policy asks for that"),
            Void::Signature(why) => write!(f, "its signature is not good: {}", visible_line(why)),
            Void::Role(roles) => {
                let roles = roles.iter().map(|role| format!("\"{role}\"")).collect::<Vec<_>>().join(" or ");
                write!(f, "`members` of trueup.toml has them in no role {}", visible_line(&roles))
            }
        }
    }
}

fn environment(
    f: &mut std::fmt::Formatter<'_>,
    named: &BTreeSet<String>,
    here: Option<&str>,
) -> std::fmt::Result {
    let list = named.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ");
    let list = visible_line(&list);
    match (named.len(), here) {
        (0, here) => {
            let here = visible_line(here.unwrap_or_default());
            write!(f, "it names no environment; approve with --env {here}")
        }
        (1, None) => write!(f, "it is for environment {list}; name it with --env"),
        (_, None) => write!(f, "it is for environments {list}; name one with --env"),
        (1, Some(here)) => write!(f, "it is for environment {list}, not \"{}\"", visible_line(here)),
        (_, Some(here)) => write!(f, "it is for environments {list}, not \"{}\"", visible_line(here)),
    }
}
