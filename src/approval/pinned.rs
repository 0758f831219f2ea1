//! A policy as a database keeps it, with the keys themselves: the stricter of it and the file's holds.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use jiff::Timestamp;
use tempfile::NamedTempFile;

use super::{
    Approval, ApprovalError, Signed, planner,
    signature::{Keys, written},
};
use crate::{
    config::{Around, Policy},
    plan::PlanFile,
    toml_file,
};

/// What approvals must amount to in a database, whatever trueup.toml says: with what stood in `allowed_signers`.
pub type Pinned = Policy<String>;

impl Pinned {
    /// A policy as it is now, with the keys of its files.
    pub fn of(policy: &Policy) -> Result<Self, ApprovalError> {
        let read = |path: &PathBuf| toml_file::read_text(path);
        let allowed_signers = policy.allowed_signers.as_ref().map(read).transpose()?;
        let planned_by = policy.planned_by.as_ref().map(read).transpose()?;
        // OpenSSH's KRL is no text
        let bytes = |path: &PathBuf| {
            toml_file::read_file(path).map_err(|source| ApprovalError::Io { path: path.clone(), source })
        };
        let revoked_keys = policy.revoked_keys.as_ref().map(bytes).transpose()?;
        let revoked_keys = revoked_keys.map(|bytes| STANDARD.encode(bytes));
        Ok(policy.clone().with_keys(allowed_signers, revoked_keys, planned_by))
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
        let mut members = self.members.clone();
        // who is in a role that is asked for here, nobody else says
        for role in self.roles_asked_for() {
            members.entry(role.clone()).or_default();
        }
        for (role, others) in &other.members {
            let both = members.get(role).map_or_else(|| others.clone(), |own| own & others);
            members.insert(role.clone(), both);
        }
        Policy {
            required: self.required.max(other.required),
            required_warning: self.required_warning.max(other.required_warning),
            required_danger: self.required_danger.max(other.required_danger),
            accepted_by,
            rollback: self.rollback || other.rollback,
            superuser: self.superuser && other.superuser,
            verified_tls: self.verified_tls || other.verified_tls,
            author: self.author && other.author,
            valid_hours: [self.valid_hours, other.valid_hours].into_iter().flatten().min(),
            roles,
            required_roles: &self.required_roles | &other.required_roles,
            signed: self.signed || other.signed,
            allowed_signers: other.allowed_signers.clone(),
            revoked_keys: other.revoked_keys.clone(),
            planned_by: other.planned_by.clone(),
            members,
            admins: &self.admins & &other.admins,
            required_lower: self.required_lower.max(other.required_lower),
            bound_to_database: self.bound_to_database || other.bound_to_database,
            single_use: self.single_use || other.single_use,
            break_glass: &self.break_glass & &other.break_glass,
            environment: self.environment.clone().or_else(|| other.environment.clone()),
            around: match (&self.around, &other.around) {
                (Some(own), Some(others)) => Some(Around {
                    commands: others.commands.clone().into_iter().chain(own.commands.clone()).collect(),
                    backup_hours: own.backup_hours.min(others.backup_hours),
                    quiet_minutes: own.quiet_minutes.max(others.quiet_minutes),
                    after: &own.after | &others.after,
                }),
                (own, others) => own.clone().or_else(|| others.clone()),
            },
        }
    }

    /// What trueup.toml says and cannot hold beside this: another environment, commands that are not the pinned ones, and an `after`
    /// without an environment that is pinned there.
    pub fn contradicted_by(&self, policy: &Policy) -> Vec<String> {
        let mut found = Vec::new();
        if let (Some(own), Some(other)) = (&self.environment, &policy.environment)
            && own != other
        {
            found.push(format!("this database is pinned as environment \"{own}\", and not as \"{other}\""));
        }
        let nowhere = BTreeSet::new();
        let after = policy.around.as_ref().map_or(&nowhere, |around| &around.after);
        let before = self.around.iter().flat_map(|around| around.after.difference(after));
        found.extend(before.map(|name| {
            format!(
                "environment \"{name}\" is pinned to come first, and `after` in trueup.toml leaves it out"
            )
        }));
        let none = BTreeMap::new();
        let others = policy.around.as_ref().map_or(&none, |around| &around.commands);
        let Some(around) = &self.around else { return found };
        let names: BTreeSet<&String> = around.commands.keys().chain(others.keys()).collect();
        for name in names.into_iter().filter(|name| around.commands.get(*name) != others.get(*name)) {
            found.push(match (around.commands.get(name), others.get(name)) {
                (Some(own), Some(_)) => {
                    format!("the pinned command `{name}` is `{own}`, and trueup.toml has another")
                }
                (Some(own), None) => format!("the pinned command `{name}`, `{own}`, is not in trueup.toml"),
                (None, _) => format!("no command `{name}` is pinned, and trueup.toml has one"),
            });
        }
        found
    }

    /// Whether another one asks for less in anything.
    pub fn is_lowered_by(&self, other: &Self) -> bool {
        let lines = |text: &str| -> BTreeSet<String> {
            text.lines().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty()).collect()
        };
        // the same keys in another order, or fewer of them, let nobody sign who could not before
        let more = |own: &Option<String>, others: &Option<String>| match (own, others) {
            (Some(own), Some(others)) => !lines(others).is_subset(&lines(own)),
            (own, None) => own.is_some(),
            (None, _) => false,
        };
        let more_keys =
            more(&self.allowed_signers, &other.allowed_signers) || more(&self.planned_by, &other.planned_by);
        // an OpenSSH KRL is no text: another one may have fewer
        let revoked = |policy: &Self| -> Option<BTreeSet<String>> {
            let bytes = STANDARD.decode(policy.revoked_keys.as_deref().unwrap_or_default()).ok()?;
            Some(lines(&String::from_utf8(bytes).ok()?))
        };
        let fewer_revoked = self.revoked_keys != other.revoked_keys
            && match (revoked(self), revoked(other)) {
                (Some(own), Some(others)) => !own.is_subset(&others),
                _ => self.revoked_keys.is_some(),
            };
        // without admins anybody with a key may sign that less is pinned
        let anybody = !self.admins.is_empty() && other.admins.is_empty();
        self.and(other) != *other || more_keys || fewer_revoked || anybody
    }
}

/// The pinned keys, as files that ssh-keygen reads.
#[derive(Debug)]
pub(super) struct KeyFiles {
    allowed: NamedTempFile,
    revoked: Option<NamedTempFile>,
}

impl KeyFiles {
    pub fn keys(&self) -> Keys<'_> {
        Keys { allowed: self.allowed.path(), revoked: self.revoked.as_ref().map(NamedTempFile::path) }
    }
}

impl Pinned {
    /// The keys of those who approve, if it has any.
    pub(super) fn key_files(&self) -> Result<Option<KeyFiles>, ApprovalError> {
        self.allowed_signers.as_deref().map(|keys| self.files(keys)).transpose()
    }

    /// The keys of those whose plans count, if it asks for any.
    fn planner_files(&self) -> Result<Option<KeyFiles>, ApprovalError> {
        self.planned_by.as_deref().map(|keys| self.files(keys)).transpose()
    }

    fn files(&self, keys: &str) -> Result<KeyFiles, ApprovalError> {
        let file = |bytes: &[u8]| {
            written(bytes).map_err(|source| ApprovalError::Io { path: std::env::temp_dir(), source })
        };
        // what cannot be read revokes everything: ssh-keygen refuses it
        let decoded =
            |encoded: &String| STANDARD.decode(encoded).unwrap_or_else(|_| encoded.clone().into_bytes());
        let revoked = self.revoked_keys.as_ref().map(|encoded| file(&decoded(encoded))).transpose()?;
        Ok(KeyFiles { allowed: file(keys.as_bytes())?, revoked })
    }
}

/// The policy that holds where one is pinned, the stricter of both, and the approvals as they are by its keys, too.
pub fn under(
    pinned: Option<&Pinned>,
    policy: &Policy,
    approvals: &[Approval],
    now: Timestamp,
) -> Result<(Policy, Vec<Approval>), ApprovalError> {
    let mut approvals = approvals.to_vec();
    let Some(pinned) = pinned else { return Ok((policy.clone(), approvals)) };
    let both = pinned.and(policy);
    if let Some(files) = pinned.key_files()? {
        for approval in approvals.iter_mut().filter(|approval| !matches!(approval.signed, Signed::Bad(_))) {
            approval.verify(&files.keys(), &both.admins, now);
        }
    }
    Ok((both, approvals))
}

/// Why a plan is by nobody whose plans count, by the file's keys or by the pinned ones.
pub fn not_planned(
    pinned: Option<&Pinned>,
    policy: &Policy,
    plan: &PlanFile,
    now: Timestamp,
) -> Result<Option<String>, ApprovalError> {
    let own = policy.planned_by.as_deref().map(|allowed| {
        planner::signer(plan, &Keys { allowed, revoked: policy.revoked_keys.as_deref() }, now)
    });
    let files = pinned.map(Pinned::planner_files).transpose()?.flatten();
    let by_pinned = files.map(|files| planner::signer(plan, &files.keys(), now));
    Ok([own, by_pinned].into_iter().flatten().find_map(Result::err))
}
