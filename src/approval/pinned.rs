//! A policy as a database keeps it, with the keys themselves: the stricter of it and the file's holds.

use std::{
    collections::BTreeSet,
    io::{self, Write},
};

use serde::{Deserialize, Serialize};

use super::{Approval, ApprovalError, Signed};
use crate::config::Policy;

/// What approvals must amount to in a database, whatever trueup.toml says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pinned {
    /// How many people.
    pub required: u32,
    /// Whether the plan's author counts.
    pub author: bool,
    /// For how long after it was given an approval counts.
    pub valid_hours: Option<u32>,
    /// The roles whose approvals count.
    pub roles: Option<BTreeSet<String>>,
    /// Whether only signed ones count.
    pub signed: bool,
    /// What stood in `allowed_signers`.
    pub allowed_signers: Option<String>,
}

impl Pinned {
    /// A policy as it is now, with the keys of its file.
    pub fn of(policy: &Policy) -> io::Result<Self> {
        let Policy { required, author, valid_hours, roles, signed, allowed_signers } = policy;
        Ok(Self {
            required: *required,
            author: *author,
            valid_hours: *valid_hours,
            roles: roles.clone(),
            signed: *signed,
            allowed_signers: allowed_signers.as_ref().map(std::fs::read_to_string).transpose()?,
        })
    }

    /// The stricter of both, rule by rule. The keys stay the file's: [`under`] checks by both.
    pub fn and(&self, policy: &Policy) -> Policy {
        let roles = match (&self.roles, &policy.roles) {
            (Some(own), Some(others)) => Some(own & others),
            (own, others) => own.clone().or_else(|| others.clone()),
        };
        Policy {
            required: self.required.max(policy.required),
            author: self.author && policy.author,
            valid_hours: [self.valid_hours, policy.valid_hours].into_iter().flatten().min(),
            roles,
            signed: self.signed || policy.signed,
            allowed_signers: policy.allowed_signers.clone(),
        }
    }

    /// Whether another one asks for less in anything.
    pub fn is_lowered_by(&self, other: &Self) -> bool {
        let plain = |pinned: &Self| Policy {
            required: pinned.required,
            author: pinned.author,
            valid_hours: pinned.valid_hours,
            roles: pinned.roles.clone(),
            signed: pinned.signed,
            allowed_signers: None,
        };
        self.and(&plain(other)) != plain(other)
            || self.allowed_signers.is_some() && self.allowed_signers != other.allowed_signers
    }
}

/// The policy that holds where one is pinned, and the approvals as they are by its keys, too.
pub fn under(
    pinned: Option<&Pinned>,
    policy: &Policy,
    approvals: &[Approval],
) -> Result<(Policy, Vec<Approval>), ApprovalError> {
    let mut approvals = approvals.to_vec();
    let Some(pinned) = pinned else { return Ok((policy.clone(), approvals)) };
    if let Some(keys) = &pinned.allowed_signers {
        let cannot = |source| ApprovalError::Io { path: std::env::temp_dir(), source };
        let mut file = tempfile::NamedTempFile::new().map_err(cannot)?;
        file.write_all(keys.as_bytes()).map_err(cannot)?;
        for approval in approvals.iter_mut().filter(|approval| !matches!(approval.signed, Signed::Bad(_))) {
            approval.verify(file.path());
        }
    }
    Ok((pinned.and(policy), approvals))
}
