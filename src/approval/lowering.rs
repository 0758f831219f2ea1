//! A signed yes to a policy that asks for less than the pinned one, where that asks for several (`required_lower`).
//!
//! `trueup protect --lower --as NAME --sign KEY` writes it into the journal, and pins when enough people have said so of the
//! same policy. It is bound to one pinned policy of one database, so that it cannot be used again.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{
    ApprovalError, Approver, Database, SKEW,
    pinned::Pinned,
    signature::{SignError, signed, verified_since},
};
use crate::plan::Digest;

/// What the signatures are for: that of an approval does not count here.
const NAMESPACE: &str = "trueup-policy";

/// How long it counts.
const VALID: SignedDuration = SignedDuration::from_hours(24);

/// One person's yes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lowering {
    /// The number of the pinned policy that is to go.
    pub policy: i64,
    /// The digest of the one that is to come; None: none is to be pinned.
    pub next: Option<Digest>,
    /// The database.
    pub database: Database,
    /// Who.
    pub by: Approver,
    /// When.
    pub created: Timestamp,
    /// The SSH signature of all of it but this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<String>,
}

impl Lowering {
    fn payload(&self) -> String {
        // serde_json writes the fields in their order
        serde_json::to_string(&Self { signature: None, ..self.clone() }).unwrap_or_default()
    }

    /// Signs it with a private key, or by an agent with the public one.
    pub fn sign(&mut self, key: &Path) -> Result<(), SignError> {
        self.signature = Some(signed(&self.payload(), key, NAMESPACE)?);
        Ok(())
    }

    /// Whether it is about the same change as another one.
    fn is_of(&self, other: &Self) -> bool {
        (self.policy, &self.next, &self.database) == (other.policy, &other.next, &other.database)
    }
}

/// The digest of a policy.
pub fn digest(policy: &Pinned) -> Digest {
    Digest::of(&serde_json::json!(policy).to_string())
}

/// The people who said yes to what `wanted` is about, signed by a key that the pinned policy lets them sign with; where it has
/// `admins`, one of these. With why others do not count.
pub fn count(
    pinned: &Pinned,
    lowerings: &[Lowering],
    wanted: &Lowering,
    now: Timestamp,
) -> Result<(BTreeSet<Approver>, Vec<String>), ApprovalError> {
    let mut counted: BTreeMap<String, Approver> = BTreeMap::new();
    let (mut keys_used, mut void) = (BTreeSet::new(), Vec::new());
    let Some(files) = pinned.key_files()? else {
        return Ok((BTreeSet::new(), vec!["the pinned policy has no keys".to_owned()]));
    };
    for lowering in lowerings.iter().filter(|lowering| lowering.is_of(wanted)) {
        let Lowering { by, created, .. } = lowering;
        let age = now.duration_since(*created);
        if age > VALID || age < -SKEW {
            void.push(format!("that by {by} is of {created}"));
            continue;
        }
        if !pinned.admins.is_empty() && !pinned.admins.contains(by.as_str()) {
            void.push(format!("{by} is none of the pinned `admins`"));
            continue;
        }
        let signature = lowering.signature.as_deref().unwrap_or_default();
        let payload = lowering.payload();
        match verified_since(&payload, signature, by.as_str(), &files.keys(), NAMESPACE, *created, now) {
            Ok(key) if keys_used.insert(key.clone()) => {
                counted.entry(by.person()).or_insert_with(|| by.clone());
            }
            Ok(_) => void.push(format!("that by {by} is signed with another one's key")),
            Err(why) => void.push(format!("the signature of {by} is not good: {why}")),
        }
    }
    Ok((counted.into_values().collect(), void))
}
