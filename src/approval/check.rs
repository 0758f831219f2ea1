//! Whether the approvals that there are let a phase run: by policy, at a time, in a database.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Approval, Approver, Missing, Signed, Void, dangers_of, hazards, is_person, person};
use crate::{
    config::Policy,
    hazard::Level,
    plan::{Digest, PlanFile},
    step::{Direction, Phase},
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
    pub direction: Direction,
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

/// What the approvals of a phase come to.
#[derive(Debug)]
pub struct Tally {
    /// Those that count.
    pub counted: Vec<Approval>,
    /// Those that break the glass.
    emergency: Vec<Approval>,
    /// Whose does not count, and why.
    void: Vec<(Approver, Void)>,
    /// What is missing beside: approvals, roles, accepted dangers.
    missing: Vec<Missing>,
}

/// Counts `approvals` of a phase of the plan.
pub fn tally(plan: &PlanFile, approvals: &[Approval], policy: &Policy, occasion: &Occasion<'_>) -> Tally {
    let Occasion { phase, direction, .. } = *occasion;
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
            Some(why) => void.push((approver.clone(), why)),
            None if approval.break_glass => emergency.push(approval.clone()),
            None => counted.push(approval.clone()),
        }
    }
    let mut missing = Vec::new();
    let people: BTreeSet<String> = counted.iter().map(|approval| approval.approver.person()).collect();
    let count = u32::try_from(people.len()).unwrap_or(u32::MAX);
    let worst = hazards(&plan.plan, phase, direction).map(|(_, hazard)| hazard.level).max();
    let required = match worst {
        Some(Level::Danger) => policy.required.max(policy.required_warning).max(policy.required_danger),
        Some(Level::Warning) => policy.required.max(policy.required_warning),
        Some(Level::Notice) | None => policy.required,
    };
    if count < required {
        missing.push(Missing::Approvals { phase, required, counted: count });
    }
    let without = roles_without(&counted, policy);
    if !without.is_empty() {
        missing.push(Missing::Roles { phase, roles: without });
    }
    for (code, steps) in dangers_of(&plan.plan, phase, direction) {
        let by = policy.accepted_by.get(&code);
        let may = |approval: &Approval| by.is_none_or(|roles| is_in_one(approval, roles, policy));
        if !counted.iter().any(|approval| approval.accepts.contains(&code) && may(approval)) {
            missing.push(Missing::Danger { code, steps, by: by.cloned() });
        }
    }
    Tally { counted, emergency, void, missing }
}

impl Tally {
    /// Why this person's approval of the phase does not count, if that is so.
    pub fn void_of(&self, approver: &Approver) -> Option<&Void> {
        let of_phase = |(whose, why): &&(Approver, Void)| whose == approver && !why.is_of_another();
        self.void.iter().find(of_phase).map(|(_, why)| why)
    }

    /// The approvals that let the phase run, or what is missing.
    pub fn covered(self) -> Result<Covered, Vec<Missing>> {
        let Self { counted, emergency, void, mut missing } = self;
        if missing.is_empty() {
            return Ok(Covered { approvals: counted, glass: None });
        }
        if let Some(first) = emergency.first() {
            let glass = Some(first.approver.clone());
            return Ok(Covered { approvals: counted.into_iter().chain(emergency).collect(), glass });
        }
        // an approval of the other phase is worth a remark only where it may have been meant for this one
        let mistaken = counted.is_empty() && void.iter().all(|(_, why)| why.is_of_another());
        let told = void.into_iter().filter(|(_, why)| mistaken || !why.is_of_another());
        missing.extend(told.map(|(approver, why)| Missing::Void { approver, why }));
        Err(missing)
    }
}

/// The roles that policy asks for and that none of these people fills; each fills one, so that everyone who can is given the
/// role in which the others need them.
fn roles_without(counted: &[Approval], policy: &Policy) -> BTreeSet<String> {
    let may: BTreeMap<&str, BTreeSet<String>> = policy
        .required_roles
        .iter()
        .map(|role| {
            let of_role = counted.iter().filter(|approval| is_in(approval, role, policy));
            (role.as_str(), of_role.map(|approval| approval.approver.person()).collect())
        })
        .collect();
    let mut fills: BTreeMap<&str, &str> = BTreeMap::new();
    let mut without = BTreeSet::new();
    for role in may.keys() {
        if !find(role, &may, &mut fills, &mut BTreeSet::new()) {
            without.insert((*role).to_owned());
        }
    }
    without
}

/// Finds somebody for a role, if need be by giving another role to somebody else (an augmenting path).
fn find<'a>(
    role: &'a str,
    may: &'a BTreeMap<&'a str, BTreeSet<String>>,
    fills: &mut BTreeMap<&'a str, &'a str>,
    asked: &mut BTreeSet<&'a str>,
) -> bool {
    for person in may.get(role).into_iter().flatten() {
        if !asked.insert(person) {
            continue;
        }
        let other = fills.get(person.as_str()).copied();
        if other.is_none_or(|other| find(other, may, fills, asked)) {
            fills.insert(person, role);
            return true;
        }
    }
    false
}

fn void_because(
    approval: &Approval,
    plan: &PlanFile,
    policy: &Policy,
    occasion: &Occasion<'_>,
) -> Option<Void> {
    let Occasion { phase, direction, now, .. } = *occasion;
    if approval.plan != plan.digest {
        Some(Void::OtherPlan(approval.plan.clone()))
    } else if approval.phase != phase {
        Some(Void::OtherPhase(approval.phase))
    } else if approval.rollback != (direction == Direction::Rollback) {
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
    let author = plan.plan.author.as_deref().filter(|author| is_person(author)).map(person);
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
    roles.iter().any(|role| is_in(approval, role, policy))
}

/// Whether policy has the approver, or the key, in a role.
pub fn is_in(approval: &Approval, role: &str, policy: &Policy) -> bool {
    policy.members.get(role).into_iter().flatten().any(|member| is(approval, member))
}

/// Whether a name or a fingerprint that policy has is the approver's.
fn is(approval: &Approval, member: &str) -> bool {
    match &approval.signed {
        Signed::Good { key } if member == key => true,
        _ => member.eq_ignore_ascii_case(approval.approver.as_str()),
    }
}
