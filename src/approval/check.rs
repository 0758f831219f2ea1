//! Whether the approvals that there are let a phase run: by policy, at a time, in a database.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Approval, Approver, Missing, Signed, Void, Way, dangers_of, hazards, person};
use crate::{
    config::Policy,
    hazard::Level,
    plan::{Digest, PlanFile},
    step::Phase,
};

/// A phase that may run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Covered {
    /// The approvals that count.
    pub approvals: Vec<Approval>,
    /// Who broke the glass, where that and nothing else lets it run.
    pub glass: Option<Approver>,
}

/// A database: the system identifier of its cluster, which initdb drew, and its name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Database {
    system_identifier: u64,
    name: String,
}

impl Database {
    /// A database of a cluster.
    pub fn new(system_identifier: u64, name: impl Into<String>) -> Self {
        Self { system_identifier, name: name.into() }
    }
}

impl std::fmt::Display for Database {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.system_identifier, self.name)
    }
}

impl From<Database> for String {
    fn from(database: Database) -> Self {
        database.to_string()
    }
}

/// No database: `trueup preflight` prints it as system identifier, slash, name.
#[derive(Debug, thiserror::Error)]
#[error("\"{}\" names no database: SYSTEM_IDENTIFIER/NAME", crate::visible::visible_line(.0))]
pub struct BadDatabase(String);

impl std::str::FromStr for Database {
    type Err = BadDatabase;

    fn from_str(text: &str) -> Result<Self, BadDatabase> {
        let bad = || BadDatabase(text.to_owned());
        let (identifier, name) = text.split_once('/').ok_or_else(bad)?;
        let system_identifier = identifier.parse().map_err(|_| bad())?;
        if name.is_empty() { Err(bad()) } else { Ok(Self::new(system_identifier, name)) }
    }
}

impl TryFrom<String> for Database {
    type Error = BadDatabase;

    fn try_from(text: String) -> Result<Self, BadDatabase> {
        text.parse()
    }
}

/// When and where a phase is to run, and which way.
#[derive(Debug, Clone, Copy)]
pub struct Occasion<'a> {
    /// The phase.
    pub phase: Phase,
    /// Which way.
    pub way: Way,
    /// The time, for approvals that expire.
    pub now: Timestamp,
    /// The database, if one was asked: else approvals that name one are not looked at for that.
    pub database: Option<&'a Database>,
    /// The digests of the approvals under which the phase ran this way, and was taken back since.
    pub used: &'a BTreeSet<Digest>,
}

/// Clocks differ: what is dated in the future is believed if it is no more than this.
pub const SKEW: SignedDuration = SignedDuration::from_mins(5);

/// How long an approval counts that breaks the glass.
const EMERGENCY: SignedDuration = SignedDuration::from_hours(4);

/// Whether `approvals` let a phase of the plan run.
pub fn check(
    plan: &PlanFile,
    approvals: &[Approval],
    policy: &Policy,
    occasion: &Occasion<'_>,
) -> Result<Covered, Vec<Missing>> {
    let Occasion { phase, way, .. } = *occasion;
    let (mut counted, mut emergency): (Vec<Approval>, Vec<Approval>) = (Vec::new(), Vec::new());
    let mut keys: BTreeMap<String, Approver> = BTreeMap::new();
    let mut void = Vec::new();
    for approval in approvals {
        let approver = &approval.approver;
        let why = void_because(approval, plan, policy, occasion).or_else(|| {
            // one key is one person, whatever names it may sign for
            let Signed::Good { key } = &approval.signed else { return None };
            let first = keys.entry(key.clone()).or_insert_with(|| approver.clone());
            (first.person() != approver.person()).then(|| Void::SameKey(first.clone()))
        });
        match why {
            Some(why) => void.push(Missing::Void { approver: approver.clone(), why }),
            None if approval.break_glass => emergency.push(approval.clone()),
            None => counted.push(approval.clone()),
        }
    }
    let mut missing = Vec::new();
    let people: BTreeSet<String> = counted.iter().map(|approval| approval.approver.person()).collect();
    let count = u32::try_from(people.len()).unwrap_or(u32::MAX);
    let worst = hazards(&plan.plan, phase, way).map(|(_, hazard)| hazard.level).max();
    let required = match worst {
        Some(Level::Danger) => policy.required.max(policy.required_warning).max(policy.required_danger),
        Some(Level::Warning) => policy.required.max(policy.required_warning),
        Some(Level::Notice) | None => policy.required,
    };
    if count < required {
        missing.push(Missing::Approvals { phase, required, counted: count });
    }
    for (code, steps) in dangers_of(&plan.plan, phase, way) {
        let by = policy.accepted_by.get(&code);
        let may = |approval: &Approval| by.is_none_or(|roles| is_in_one(approval, roles, policy));
        if !counted.iter().any(|approval| approval.accepts.contains(&code) && may(approval)) {
            missing.push(Missing::Danger { code, steps, by: by.cloned() });
        }
    }
    if missing.is_empty() {
        return Ok(Covered { approvals: counted, glass: None });
    }
    if let Some(first) = emergency.first() {
        let glass = Some(first.approver.clone());
        return Ok(Covered { approvals: counted.into_iter().chain(emergency).collect(), glass });
    }
    // an approval of the other phase is worth a remark only where it may have been meant for this one
    let other = |missing: &Missing| {
        matches!(missing, Missing::Void { why: Void::OtherPhase(_) | Void::OtherWay, .. })
    };
    let mistaken = counted.is_empty() && void.iter().all(other);
    missing.extend(void.into_iter().filter(|missing| mistaken || !other(missing)));
    Err(missing)
}

fn void_because(
    approval: &Approval,
    plan: &PlanFile,
    policy: &Policy,
    occasion: &Occasion<'_>,
) -> Option<Void> {
    let Occasion { phase, way, now, .. } = *occasion;
    if approval.plan != plan.digest {
        Some(Void::OtherPlan(approval.plan.clone()))
    } else if approval.phase != phase {
        Some(Void::OtherPhase(approval.phase))
    } else if approval.rollback != (way == Way::Back) {
        Some(Void::OtherWay)
    } else if let Some(when) = approval.revoked {
        let signed = approval.revocation.as_ref().map_or(&Signed::No, |revocation| &revocation.signed);
        Some(match signed {
            Signed::Bad(why) => Void::Revocation(why.clone()),
            Signed::No if policy.signed => Void::Revocation("it is not signed".to_owned()),
            Signed::No | Signed::Good { .. } => Void::Revoked(when),
        })
    } else {
        at_another_time(approval, plan, policy, now)
            .or_else(|| elsewhere(approval, policy, occasion))
            .or_else(|| by_another(approval, plan, policy))
            .or_else(|| unsigned(approval, policy))
    }
}

fn at_another_time(approval: &Approval, plan: &PlanFile, policy: &Policy, now: Timestamp) -> Option<Void> {
    let after = |time: SignedDuration| approval.created.checked_add(time).ok();
    let limit = policy.valid_hours.and_then(|hours| after(SignedDuration::from_hours(i64::from(hours))));
    let emergency = approval.break_glass.then(|| after(EMERGENCY)).flatten();
    let expires = [approval.expires, limit, emergency].into_iter().flatten().min();
    if plan.plan.created.duration_since(approval.created) > SKEW {
        Some(Void::Older(approval.created))
    } else if let Some(expires) = expires.filter(|expires| *expires <= now) {
        Some(Void::Expired(expires))
    } else if approval.created.duration_since(now) > SKEW {
        Some(Void::Future(approval.created))
    } else {
        None
    }
}

/// It is for another environment or database, or was for another run.
fn elsewhere(approval: &Approval, policy: &Policy, occasion: &Occasion<'_>) -> Option<Void> {
    let here = match &policy.environment {
        Some(name) => approval.environments.contains(name),
        None => approval.environments.is_empty(),
    };
    if !here {
        let (named, here) = (approval.environments.clone(), policy.environment.clone());
        return Some(Void::OtherEnvironment { named, here });
    }
    let named = approval.database.as_ref();
    if let Some(here) = occasion.database
        && named != Some(here)
        && (policy.bound_to_database || named.is_some())
    {
        return Some(Void::OtherDatabase { named: named.cloned(), here: here.clone() });
    }
    if policy.single_use && approval.digest().is_none_or(|digest| occasion.used.contains(&digest)) {
        return Some(Void::Used);
    }
    None
}

fn by_another(approval: &Approval, plan: &PlanFile, policy: &Policy) -> Option<Void> {
    if approval.break_glass {
        let may = policy.break_glass.iter().any(|member| is(approval, member));
        return (!may).then_some(Void::Glass);
    }
    let author = plan.plan.author.as_deref().map(person).filter(|author| !author.is_empty());
    if !policy.author && author.is_none() {
        Some(Void::NoAuthor)
    } else if !policy.author && author == Some(approval.approver.person()) {
        Some(Void::Author)
    } else if let Some(roles) = &policy.roles
        && !is_in_one(approval, roles, policy)
    {
        Some(Void::Role(roles.clone()))
    } else {
        None
    }
}

fn unsigned(approval: &Approval, policy: &Policy) -> Option<Void> {
    match &approval.signed {
        Signed::Bad(why) => Some(Void::Signature(why.clone())),
        Signed::No if policy.signed && approval.signature.is_some() => {
            Some(Void::Signature("policy names no `allowed_signers` to check it by".to_owned()))
        }
        Signed::No if policy.signed => Some(Void::Unsigned),
        Signed::No | Signed::Good { .. } => None,
    }
}

/// Whether policy has the approver, or the key, in one of these roles.
fn is_in_one(approval: &Approval, roles: &BTreeSet<String>, policy: &Policy) -> bool {
    let mut members = roles.iter().filter_map(|role| policy.members.get(role)).flatten();
    members.any(|member| is(approval, member))
}

/// Whether a name or a fingerprint that policy has is the approver's.
fn is(approval: &Approval, member: &str) -> bool {
    match &approval.signed {
        Signed::Good { key } if member == key => true,
        _ => member.eq_ignore_ascii_case(approval.approver.as_str()),
    }
}
