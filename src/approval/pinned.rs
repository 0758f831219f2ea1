//! A policy as a database keeps it, with the keys themselves: the stricter of it and the file's holds.

use std::io::{self, Write};

use super::{Approval, ApprovalError, Signed};
use crate::config::Policy;

/// What approvals must amount to in a database, whatever trueup.toml says: with what stood in `allowed_signers`.
pub type Pinned = Policy<String>;

impl Pinned {
    /// A policy as it is now, with the keys of its file.
    pub fn of(policy: &Policy) -> io::Result<Self> {
        let allowed_signers = policy.allowed_signers.as_ref().map(std::fs::read_to_string).transpose()?;
        Ok(policy.clone().with_keys(allowed_signers))
    }

    /// The stricter of both, rule by rule. The keys stay the other one's: [`under`] checks by both.
    fn and<K: Clone>(&self, other: &Policy<K>) -> Policy<K> {
        let roles = match (&self.roles, &other.roles) {
            (Some(own), Some(others)) => Some(own & others),
            (own, others) => own.clone().or_else(|| others.clone()),
        };
        let mut accepted_by = self.accepted_by.clone();
        for (code, others) in &other.accepted_by {
            let roles = accepted_by.get(code).map_or_else(|| others.clone(), |own| own & others);
            accepted_by.insert(code.clone(), roles);
        }
        Policy {
            required: self.required.max(other.required),
            required_warning: self.required_warning.max(other.required_warning),
            required_danger: self.required_danger.max(other.required_danger),
            accepted_by,
            rollback: self.rollback || other.rollback,
            author: self.author && other.author,
            valid_hours: [self.valid_hours, other.valid_hours].into_iter().flatten().min(),
            roles,
            signed: self.signed || other.signed,
            allowed_signers: other.allowed_signers.clone(),
        }
    }

    /// Whether another one asks for less in anything.
    pub fn is_lowered_by(&self, other: &Self) -> bool {
        let other_keys = self.allowed_signers.is_some() && self.allowed_signers != other.allowed_signers;
        self.and(other) != *other || other_keys
    }
}
            superuser: self.superuser && other.superuser,

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
